"""What each event of a client does to its session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from exceptions import InvalidRequestError, TranscriptionServerError
from routes.realtime.beta_session import BETA, is_flat
from routes.realtime.client_events import ClientEvent, audio_of
from routes.realtime.dialect import Dialect, SessionView
from routes.realtime.ga_session import GA
from routes.realtime.items import Items
from routes.realtime.server_events import Wire, event, session_event
from services.live.interface import LiveSession
from services.requests.live_session import LiveRequests

BETA_UPDATE = "transcription_session.update"
CONVERSATION = frozenset(
    {
        "response.create",
        "response.cancel",
        "conversation.item.create",
        "conversation.item.truncate",
        "output_audio_buffer.clear",
    }
)
"""Events of speech to speech, which this server does not have."""


class Commands:
    """Carries out events one after the other; the answers that are not events of the session go to `send`."""

    def __init__(
        self,
        session: LiveSession,
        requests: LiveRequests,
        owner: str,
        view: SessionView,
        dialect: Dialect,
        send: Callable[[Wire], None],
    ) -> None:
        self.view = view
        self.dialect = dialect
        self.items = Items()
        self._session = session
        self._requests = requests
        self._owner = owner
        self._send = send
        self._commands: dict[str, Callable[[ClientEvent], Awaitable[None]]] = {
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "session.update": self._update,
            BETA_UPDATE: self._update,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.delete": self._delete,
        }

    async def carry_out(self, wanted: ClientEvent) -> None:
        """Raises TranscriptionServerError for what cannot be done; the session goes on."""
        if wanted.type in CONVERSATION:
            raise InvalidRequestError(
                f"This server transcribes and does not converse: it has no '{wanted.type}'.",
                param="type",
                code="not_supported",
            )
        command = self._commands.get(wanted.type)
        if command is None:
            names = ", ".join(self._commands)
            raise InvalidRequestError(
                f"There is no event '{wanted.type[:100]}'; this server takes {names}.",
                param="type",
                code="invalid_value",
            )
        await command(wanted)

    async def _append(self, wanted: ClientEvent) -> None:
        await self._session.append(await audio_of(wanted))

    async def _commit(self, _: ClientEvent) -> None:
        await self._session.commit()

    async def _clear(self, _: ClientEvent) -> None:
        await self._session.clear()

    async def _update(self, wanted: ClientEvent) -> None:
        """Nothing of an update holds if a part of it cannot."""
        session = wanted.fields.get("session")
        if not isinstance(session, Mapping):
            raise InvalidRequestError("'session' must be an object.", param="session", code="invalid_value")
        dialect = self._dialect_of(wanted.type, session)
        try:
            request = await self._requests.updated(self.view.request, dialect.changes(session), self._owner)
            self._session.update(self._requests.options(request))
        except TranscriptionServerError as error:
            error.param = dialect.param(error.param) if error.param else "session"
            raise
        self.dialect = dialect
        self.view = replace(self.view, request=request, stored_as=self._session.stored_as)
        self._send(session_event(f"{wanted.type}d", dialect, self.view))

    def _dialect_of(self, event_type: str, session: Mapping[str, Any]) -> Dialect:
        if event_type == BETA_UPDATE or is_flat(session):
            return BETA
        return GA if "audio" in session else self.dialect

    async def _retrieve(self, wanted: ClientEvent) -> None:
        item = self.items.find(wanted.fields.get("item_id"))
        if item is None:
            raise InvalidRequestError(
                "There is no such item, or it is no longer among the latest.",
                param="item_id",
                code="item_not_found",
            )
        self._send(event("conversation.item.retrieved", item=item))

    async def _delete(self, wanted: ClientEvent) -> None:
        item_id = wanted.fields.get("item_id")
        if not isinstance(item_id, str):
            raise InvalidRequestError("'item_id' must be a string.", param="item_id", code="invalid_value")
        self.items.delete(item_id)
        self._send(event("conversation.item.deleted", item_id=item_id))
