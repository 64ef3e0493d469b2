"""What a multipart form takes, as the OpenAPI document says it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def form_body(form: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads `form` and a `file`. Nothing is referred to: the document
    has no place for what only a form uses."""
    schema = form.model_json_schema()
    schema = _inlined(schema, schema.pop("$defs", {}))
    schema["properties"]["file"] = {"type": "string", "format": "binary"}
    schema["required"] = ["file", *schema.get("required", [])]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if reference := node.pop("$ref", None):
        node = definitions[reference.rpartition("/")[2]] | node
    return {name: _inlined(value, definitions) for name, value in node.items()}
