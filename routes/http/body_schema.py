"""OpenAPI schemas of request bodies: the `openapi_extra` of routes that read the body themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    return _body("application/json", _schema(model))


def form_body(model: type[BaseModel]) -> dict[str, Any]:
    """A multipart form with the fields of `model` and a `file`."""
    schema = _schema(model)
    schema["properties"]["file"] = {"type": "string", "format": "binary"}
    schema["required"] = ["file", *schema.get("required", [])]
    return multipart_body(schema)


def multipart_body(schema: dict[str, Any]) -> dict[str, Any]:
    return _body("multipart/form-data", schema)


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """With `$ref`s inlined: FastAPI does not add models that only `openapi_extra` uses to the components."""
    schema = model.model_json_schema()
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if reference := node.pop("$ref", None):
        node = definitions[reference.rpartition("/")[2]] | node
    return {name: _inlined(value, definitions) for name, value in node.items()}
