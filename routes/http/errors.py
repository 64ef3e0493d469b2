"""Exception handlers that return every error in the OpenAI envelope."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from exceptions import (
    InvalidRequestError,
    ResourceLimitError,
    TranscriptionServerError,
    UnexpectedError,
)
from routes.http.middleware import request_id_of
from utils.descriptors import OUT_OF_DESCRIPTORS

logger = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499  # nginx's status code; the client never receives it


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(BaseModel):
    """The body of every error response."""

    error: ErrorBody


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(TranscriptionServerError, _server_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ClientDisconnect, _client_disconnected)
    app.add_exception_handler(OSError, _system_error)
    app.add_exception_handler(Exception, _unexpected_error)


def invalid_parameter(error: ValidationError | RequestValidationError) -> InvalidRequestError:
    """The first error that pydantic reports, with the parameter name as the caller sent it."""
    first = error.errors()[0]
    locations = ("query", "body", "path", "header")
    name = ".".join(str(part) for part in first["loc"] if part not in locations)
    if not name:
        return InvalidRequestError(f"The request could not be parsed: {first['msg']}.")
    return InvalidRequestError(f"The parameter '{name}' is wrong: {first['msg']}.", param=name)


def envelope(error: TranscriptionServerError) -> JSONResponse:
    """The error as the official client parses it, with headers that say whether a retry can succeed."""
    headers = {"x-should-retry": "false"}
    if error.retry_after is not None:
        headers = {"retry-after": str(error.retry_after)}
    return JSONResponse({"error": error.body}, error.status, headers)


async def refuse(
    error: TranscriptionServerError,
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answers a request, or a handshake, with the error."""
    if scope["type"] == "websocket":
        _log_refusal(HTTPConnection(scope), error)
    response = envelope(error)
    response.headers.update(headers or {})
    await response(scope, receive, send)


def _log_refusal(handshake: HTTPConnection, error: TranscriptionServerError) -> None:
    """A browser tells its page only that the connection failed."""
    logger.warning("%s: WebSocket refused: %s", request_id_of(handshake), error.message)


async def _server_error(request: Request | WebSocket, error: Exception) -> Response:
    error = cast(TranscriptionServerError, error)
    if isinstance(request, WebSocket):
        _log_refusal(request, error)
    elif error.status >= 500:
        logger.error("%s: %s", request_id_of(request), error.message)
    return envelope(error)


async def _http_error(request: Request, error: Exception) -> Response:
    """Errors of the framework: unknown paths and methods."""
    error = cast(HTTPException, error)
    where = ""
    if error.status_code == HTTPStatus.NOT_FOUND:
        root_path = request.scope["root_path"]
        where = f" The API is at {root_path}/v1, its documentation at {root_path}/docs."
    invalid = InvalidRequestError(f"{request.method} {request.url.path}: {error.detail}.{where}")
    invalid.status = error.status_code
    response = envelope(invalid)
    response.headers.update(error.headers or {})
    return response


async def _validation_error(_: Request, error: Exception) -> Response:
    return envelope(invalid_parameter(cast(RequestValidationError, error)))


async def _client_disconnected(request: Request, _: Exception) -> Response:
    logger.info("%s: client disconnected", request_id_of(request))
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _system_error(request: Request, error: Exception) -> Response:
    if cast(OSError, error).errno not in OUT_OF_DESCRIPTORS:
        raise error
    logger.error("%s: no file descriptor is left", request_id_of(request))
    return envelope(ResourceLimitError("This server has too many files open; try again soon."))


async def _unexpected_error(_request: Request, _error: Exception) -> Response:
    """Starlette sends this response and then logs the traceback."""
    return envelope(UnexpectedError())
