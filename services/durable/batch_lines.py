"""Batch lines: input validated and turned into form fields, output as in the hosted API. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exceptions import InvalidRequestError
from utils.answers.json_blocks import with_member, written

MAX_LINES = 50_000  # as in the hosted API
MAX_LINE_BYTES = 16 * 1024 * 1024  # room for the clips of known speakers


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")

    custom_id: Annotated[str, Field(min_length=1, max_length=512)]
    method: Literal["POST"]
    url: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One request: its form fields, and the stored file that replaces its `file` part."""

    custom_id: str
    fields: Sequence[tuple[str, str]]
    file_id: str


def read_line(line: bytes, endpoint: str) -> BatchLine:
    """Raises InvalidRequestError, which names what is wrong."""
    if len(line) > MAX_LINE_BYTES:
        raise InvalidRequestError(f"A line may hold at most {MAX_LINE_BYTES // 1024**2} MiB.")
    try:
        request = _Line.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise InvalidRequestError(f"{param or 'The line'}: {first['msg']}.", param=param) from error
    if request.url != endpoint:
        raise InvalidRequestError(f"The url is not the batch's endpoint, {endpoint}.", param="url")
    file_id = request.body.pop("file_id", None)
    if not isinstance(file_id, str):
        raise InvalidRequestError("body.file_id must be the id of a file of /v1/files.", param="body.file_id")
    return BatchLine(request.custom_id, list(_form_fields(request.body)), file_id)


def _form_fields(body: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Encoded as by the official client: lists as `name[]`, objects as `name[part]`."""
    for name, value in body.items():
        if isinstance(value, list):
            yield from ((f"{name}[]", _text(item)) for item in value)
        elif isinstance(value, dict):
            yield from ((f"{name}[{part}]", _text(item)) for part, item in value.items())
        elif value is not None:
            yield name, _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def answer_line(job_id: str, custom_id: str, status: int, body: Iterable[bytes]) -> Iterator[bytes]:
    """The response to a request: `body` is the JSON of a transcript, or of an error in its envelope."""
    response = with_member({"status_code": status, "request_id": job_id}, "body", body)
    yield from with_member({"id": job_id, "custom_id": custom_id, "error": None}, "response", response)
    yield b"\n"


def unanswered_line(job_id: str, custom_id: str, code: str, message: str) -> bytes:
    """A request that was never answered, and why."""
    error = {"code": code, "message": message}
    return written({"id": job_id, "custom_id": custom_id, "response": None, "error": error}) + b"\n"
