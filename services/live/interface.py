"""Live sessions as a door sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from options import LiveOptions
from utils.live.events import LiveEvent


class LiveSession(Protocol):
    """One stream of audio. What the recogniser or the diarizer fails in is told by events; only a failure of
    the speech detector is raised, by whatever adds audio."""

    @property
    def id(self) -> str: ...

    @property
    def stored_as(self) -> str | None:
        """The id of the background transcription that the session will become, if it is to be stored."""

    def update(self, options: LiveOptions) -> None:
        """The format and `store` hold at once, all else from the next turn on."""

    async def append(self, audio: bytes) -> None:
        """Audio in the format of the options; a piece may end amid a sample. Returns at once, or when the
        session has caught up if it is far behind."""

    async def commit(self) -> None:
        """End the turn that is open. Raises CommitEmptyError for less than 100 ms of audio."""

    async def clear(self) -> None:
        """Drop the audio that is not committed."""

    def events(self) -> AsyncGenerator[LiveEvent]:
        """What happens, once; ends after `finish` when all that was committed is answered."""

    async def finish(self) -> None:
        """Take no more audio: the events end when every committed turn has been answered."""


class LiveSessions(Protocol):
    def open(
        self, owner: str, request_id: str, options: LiveOptions
    ) -> AbstractAsyncContextManager[LiveSession]:
        """A session until the context ends, which drops what is still to be done for it. Raises
        OverloadedError if LIVE_SESSIONS are open."""
