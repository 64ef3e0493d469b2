"""The server's own Whisper model, and a few others that requests name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from models import AudioClip, Chunk, ChunkPart, Span
from options import DecodeOptions
from services.whisper_service import Encoded, WhisperService
from utils.speech.speech_map import SpeechMap


@dataclass(slots=True)
class _Extra:
    whisper: WhisperService
    users: int = 0


class WhisperPool:
    """A WhisperService for whichever model the options name. At most `max_extras` others exist at once: the
    least recently used one is removed to make room; while all are in use, the request waits."""

    def __init__(
        self,
        own: WhisperService,
        own_name: str,
        add: Callable[[str], WhisperService],
        remove: Callable[[str], Awaitable[None]],
        max_extras: int,
    ) -> None:
        self._own = own
        self._own_names = ("", own_name)
        self._add = add
        self._remove = remove
        self._max_extras = max_extras
        self._extras: dict[str, _Extra] = {}  # least recently used first
        self._changed = asyncio.Condition()

    async def detect_language(
        self, clip: AudioClip, windows: Sequence[Span], options: DecodeOptions
    ) -> tuple[str | None, Encoded]:
        """As WhisperService does."""
        async with self._using(options.model) as whisper:
            return await whisper.detect_language(clip, windows, options)

    async def transcribe(
        self,
        clip: AudioClip,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        words: bool,
        encoded: Encoded,
    ) -> AsyncGenerator[ChunkPart]:
        """As WhisperService does."""
        unnamed = replace(options, model="")  # both names of the own model share its batches
        async with self._using(options.model) as whisper:
            work = whisper.transcribe(clip, chunk, speech, windows, unnamed, words, encoded)
            async with aclosing(work) as parts:
                async for part in parts:
                    yield part

    @asynccontextmanager
    async def _using(self, model: str) -> AsyncIterator[WhisperService]:
        if model in self._own_names:
            yield self._own
            return
        async with self._changed:
            await self._changed.wait_for(lambda: model in self._extras or self._has_room())
            extra = await self._acquire(model)
            extra.users += 1
        try:
            yield extra.whisper
        finally:
            extra.users -= 1
            async with self._changed:
                self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._extras) < self._max_extras or any(not extra.users for extra in self._extras.values())

    async def _acquire(self, model: str) -> _Extra:
        """Raises ModelUnavailableError."""
        extra = self._extras.pop(model, None)
        if extra is None:
            if len(self._extras) >= self._max_extras:
                unused = next(name for name, other in self._extras.items() if not other.users)
                del self._extras[unused]
                await self._remove(unused)
            extra = _Extra(self._add(model))
        self._extras[model] = extra
        return extra
