"""The server's own Whisper, and a few others that callers name."""

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
    """Does what a WhisperService does, with the model that the options name. At most `most` others are
    there at once; the one longest unused makes room, and one in use is waited for."""

    def __init__(
        self,
        own: WhisperService,
        own_name: str,
        add: Callable[[str], WhisperService],
        remove: Callable[[str], Awaitable[None]],
        most: int,
    ) -> None:
        self._own = own
        self._own_names = ("", own_name)
        self._add = add
        self._remove = remove
        self._most = most
        self._extras: dict[str, _Extra] = {}  # the longest unused first
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
        plain = replace(options, model="")  # the names of one model share its batches
        async with self._using(options.model) as whisper:
            work = whisper.transcribe(clip, chunk, speech, windows, plain, words, encoded)
            async with aclosing(work) as heard:
                async for part in heard:
                    yield part

    @asynccontextmanager
    async def _using(self, model: str) -> AsyncIterator[WhisperService]:
        if model in self._own_names:
            yield self._own
            return
        async with self._changed:
            await self._changed.wait_for(lambda: model in self._extras or self._has_room())
            extra = await self._take(model)
            extra.users += 1
        try:
            yield extra.whisper
        finally:
            extra.users -= 1
            async with self._changed:
                self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._extras) < self._most or any(not extra.users for extra in self._extras.values())

    async def _take(self, model: str) -> _Extra:
        """Raises ModelUnavailableError."""
        extra = self._extras.pop(model, None)
        if extra is None:
            if len(self._extras) >= self._most:
                unused = next(name for name, other in self._extras.items() if not other.users)
                del self._extras[unused]
                await self._remove(unused)
            extra = _Extra(self._add(model))
        self._extras[model] = extra
        return extra
