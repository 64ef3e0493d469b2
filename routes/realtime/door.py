"""The WebSocket of /v1/realtime: who comes in, and with which session."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, WebSocket

from exceptions import (
    InvalidApiKeyError,
    InvalidRequestError,
    ModelNotFoundError,
    NotFoundError,
    ShuttingDownError,
)
from routes.http.access import owner_of, sent_key
from routes.http.middleware import request_id_of
from routes.http.paths import deployment_of
from routes.realtime.beta_session import BETA
from routes.realtime.connection import Connection
from routes.realtime.dialect import Dialect, SessionView
from routes.realtime.ga_session import GA
from routes.state import ServerState, state_of
from services.live.secrets import PREFIX
from services.requests.live_session import LiveRequest

router = APIRouter(prefix="/v1/realtime", tags=["realtime"])

SUBPROTOCOL = "realtime"
BETA_PROTOCOL = "openai-beta.realtime-v1"

logger = logging.getLogger(__name__)


@router.websocket("")
async def realtime(websocket: WebSocket) -> None:
    """Whoever is refused is so before the upgrade, with a status and the envelope."""
    state = state_of(websocket)
    if state.drain.began.is_set():
        raise ShuttingDownError
    with state.drain.connection():  # until what is stored of the session is
        await _serve(websocket, state)


async def _serve(websocket: WebSocket, state: ServerState) -> None:
    owner, request_id = owner_of(websocket), request_id_of(websocket)
    if "call_id" in websocket.query_params:
        raise NotFoundError("There are no calls on this server; open a session without 'call_id'.")
    request = await _request_of(websocket, state, owner)
    options = state.live_requests.options(request)
    async with state.live.open(owner, request_id, options) as session:
        offered = websocket.scope["subprotocols"]
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        limits = state.realtime
        expires_at = int(time.time() + limits.max_minutes * 60) if limits.max_minutes else None
        view = SessionView(session.id, request, expires_at, session.stored_as)
        connection = Connection(
            websocket, session, state.live_requests, owner, view, _dialect_of(websocket), limits, state.drain
        )
        began = time.monotonic()
        ending = await connection.run()
    seconds = time.monotonic() - began
    code, reason = ending.code or "by the client", ending.reason
    logger.info("%s: session %s closed after %.0f s: %s %s", request_id, view.id, seconds, code, reason)


@router.get("", include_in_schema=False)
async def not_upgraded(_: Request) -> None:
    error = InvalidRequestError(
        "Connect with a WebSocket. If this was one, a proxy on its way does not pass Upgrade on.",
        code="upgrade_required",
    )
    error.status = 426
    raise error


async def _request_of(websocket: WebSocket, state: ServerState, owner: str) -> LiveRequest:
    """What the client secret presets; `model` of the query holds where that names none."""
    request = LiveRequest()
    if (key := sent_key(websocket)).startswith(PREFIX):
        secret = state.secrets.find(key)
        if secret is None:
            raise InvalidApiKeyError("The client secret has expired, or this server did not make it.")
        request = secret.session
    query = websocket.query_params
    model = query.get("model") or query.get("deployment") or deployment_of(websocket)
    if not model or request.model:
        return request
    try:
        return await state.live_requests.updated(request, _with_model(model), owner)
    except ModelNotFoundError:  # those of conversations; speech is transcribed all the same
        logger.warning("%s: the model %.100r of the query is not known", request_id_of(websocket), model)
        return request


def _with_model(model: str) -> Mapping[str, Any]:
    return {"audio": {"input": {"transcription": {"model": model}}}}


def _dialect_of(websocket: WebSocket) -> Dialect:
    is_beta = "realtime" in websocket.headers.get("openai-beta", "")
    return BETA if is_beta or BETA_PROTOCOL in websocket.scope["subprotocols"] else GA
