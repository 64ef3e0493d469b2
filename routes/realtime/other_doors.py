"""What the hosted API has beside transcription under /v1/realtime, and this server has not."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, WebSocket

from exceptions import NotFoundError, StageUnavailableError

router = APIRouter(include_in_schema=False)

MAX_SHOWN_PATH = 200
INSTEAD = "connect with a WebSocket to /v1/realtime, which transcribes"


@router.post("/v1/realtime/sessions")
async def conversations(_: Request) -> None:
    raise NotFoundError(f"This server does not converse; {INSTEAD}.", code="not_supported")


@router.post("/v1/realtime/calls")
@router.post("/v1/realtime/calls/{call:path}")
async def calls(_: Request) -> None:
    """WebRTC and SIP."""
    raise StageUnavailableError(f"This server takes no calls; {INSTEAD}.", code="not_supported")


@router.post("/v1/realtime/translations")
@router.post("/v1/realtime/translations/{path:path}")
async def translations(_: Request) -> None:
    raise NotFoundError(f"This server does not translate live; {INSTEAD}.", code="not_supported")


@router.websocket("/{path:path}")
async def unknown_path(websocket: WebSocket) -> None:
    """The last of all routes: a WebSocket elsewhere would be closed without a reason."""
    path = quote(websocket.scope["path"])[:MAX_SHOWN_PATH]  # the decoded path could contain line breaks
    raise NotFoundError(f"There is no WebSocket at {path}; {INSTEAD}.")
