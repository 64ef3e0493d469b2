"""JSON bodies with a size limit; the framework would read a body of any length into memory."""

from __future__ import annotations

from asyncio import timeout
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from exceptions import InvalidRequestError, UploadTimeoutError
from routes.http.errors import invalid_parameter

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 64 * 1024
SECONDS = 30.0


async def read_json(request: Request, model: type[M]) -> M:
    """Raises InvalidRequestError, which names the invalid parameter; UploadTimeoutError."""
    body = bytearray()
    try:
        async with timeout(SECONDS):
            async for data in request.stream():
                body += data
                if len(body) > MAX_BYTES:
                    raise InvalidRequestError(f"The body may have at most {MAX_BYTES} bytes.")
    except TimeoutError as error:
        raise UploadTimeoutError(f"The body was not received within {SECONDS:g} s; send it again.") from error
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        raise invalid_parameter(error) from error
