"""POST /v1/realtime/client_secrets and, of the beta, /v1/realtime/transcription_sessions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from exceptions import TranscriptionServerError
from routes.http.access import owner_of
from routes.http.body_schema import json_body
from routes.http.json_body import read_json
from routes.realtime.beta_session import BETA
from routes.realtime.dialect import Dialect, SessionView
from routes.realtime.ga_session import GA
from routes.state import state_of
from services.requests.live_session import LiveRequest

router = APIRouter(prefix="/v1/realtime", tags=["realtime"])


class ExpiresAfter(BaseModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = 600


class ClientSecretRequest(BaseModel):
    """`session` is that of `session.update`."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] = {}


class BetaSecret(BaseModel):
    expires_at: ExpiresAfter = ExpiresAfter()


class TranscriptionSessionRequest(BaseModel):
    """Beside `client_secret` the fields of the session of `transcription_session.update`."""

    model_config = ConfigDict(extra="allow")

    client_secret: BetaSecret = BetaSecret()


class ClientSecretAnswer(BaseModel):
    value: str
    expires_at: int
    session: dict[str, Any]


@router.post("/client_secrets", openapi_extra=json_body(ClientSecretRequest))
async def create_client_secret(request: Request) -> ClientSecretAnswer:
    """A key for a web page, which opens sessions that are set up as `session` says, until it expires. It is
    lost when the server restarts."""
    body = await read_json(request, ClientSecretRequest)
    value, expires_at, view = await _create(request, GA, body.session, body.expires_after.seconds)
    return ClientSecretAnswer(value=value, expires_at=expires_at, session=GA.session(view))


@router.post("/transcription_sessions", openapi_extra=json_body(TranscriptionSessionRequest))
async def create_transcription_session(request: Request) -> dict[str, Any]:
    """The same for clients of the beta."""
    body = await read_json(request, TranscriptionSessionRequest)
    seconds = body.client_secret.expires_at.seconds
    value, expires_at, view = await _create(request, BETA, body.model_extra or {}, seconds)
    return BETA.session(view) | {"client_secret": {"value": value, "expires_at": expires_at}}


async def _create(
    request: Request, dialect: Dialect, session: Mapping[str, Any], seconds: int
) -> tuple[str, int, SessionView]:
    state, owner = state_of(request), owner_of(request)
    try:
        preset = await state.live_requests.updated(LiveRequest(), dialect.changes(session), owner)
    except TranscriptionServerError as error:
        error.param = dialect.param(error.param) if error.param else None
        raise
    value, expires_at = state.secrets.create(owner, seconds, preset)
    return value, expires_at, SessionView(f"sess_{uuid.uuid4().hex}", preset, expires_at)
