"""Every error in the OpenAI envelope."""

from __future__ import annotations

import logging
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from exceptions import InvalidRequestError, TranscriptionServerError, UnexpectedError
from routes.http.middleware import mark, request_id_of

logger = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499  # nginx's number; nobody is there to read it


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(BaseModel):
    """What every refusal and failure is told in; the OpenAPI document has it as the default answer."""

    error: ErrorBody


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(TranscriptionServerError, _server_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(ClientDisconnect, _client_left)
    app.add_exception_handler(Exception, _bug)


def wrong_parameter(error: ValidationError | RequestValidationError) -> InvalidRequestError:
    """The first of what pydantic found, by the name that the caller gave it."""
    first = error.errors()[0]
    places = ("query", "body", "path", "header")
    name = ".".join(str(part) for part in first["loc"] if part not in places)
    if not name:
        return InvalidRequestError(f"The request could not be read: {first['msg']}.")
    return InvalidRequestError(f"The parameter '{name}' is wrong: {first['msg']}.", param=name)


def envelope(error: TranscriptionServerError) -> JSONResponse:
    """The error as the official client reads it, and whether a retry can succeed."""
    headers = {"x-should-retry": "false"}
    if error.retry_after is not None:
        headers = {"retry-after": str(error.retry_after)}
    return JSONResponse({"error": error.body}, error.status, headers)


async def _server_error(request: Request, error: Exception) -> Response:
    error = cast(TranscriptionServerError, error)
    if error.status >= 500:
        logger.error("%s: %s", request_id_of(request), error.message)
    return envelope(error)


async def _http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown paths and methods."""
    error = cast(HTTPException, error)
    refusal = InvalidRequestError(f"{request.method} {request.url.path}: {error.detail}.")
    refusal.status = error.status_code
    answer = envelope(refusal)
    answer.headers.update(error.headers or {})
    return answer


async def _wrong_request(_: Request, error: Exception) -> Response:
    return envelope(wrong_parameter(cast(RequestValidationError, error)))


async def _client_left(request: Request, _: Exception) -> Response:
    logger.info("%s: the client left", request_id_of(request))
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _bug(request: Request, _: Exception) -> Response:
    """Starlette sends this from outside every middleware, and logs the traceback after it."""
    answer = envelope(UnexpectedError())
    mark(answer.headers, request.scope)
    return answer
