"""The server's own Whisper model, and a few others that requests name."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace

from models import Audio, Chunk, ChunkPart, Span
from options import DecodeOptions
from seams import EncodedWindow
from services.whisper.window_languages import Languages
from services.whisper_service import Encoded, Step, WhisperService
from utils.audio_utils import ReadSamples
from utils.speech.speech_map import SpeechMap
from utils.waiting.fair_queue import Flow


@dataclass(slots=True)
class _Extra:
    whisper: WhisperService
    users: int = 0


class WhisperPool:
    """A WhisperService for whichever model the options name. At most `max_extras` others exist at once: the
    least recently used one is removed to make room; while all are in use, the request waits. What is being
    removed, or loaded for somebody else, holds up no other model."""

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
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._wanted: Counter[str] = Counter()  # by the requests that wait for a model
        self._changed = asyncio.Condition()

    @property
    def lanes(self) -> int:
        """As of WhisperService, and the same for all."""
        return self._own.lanes

    @property
    def longest_window(self) -> int:
        """As of WhisperService, and the same for all."""
        return self._own.longest_window

    @property
    def in_flight(self) -> int:
        """As of WhisperService, and the same for all."""
        return self._own.in_flight

    def in_turn(self, model: str = "") -> AbstractContextManager[None]:
        """As WhisperService does, unless nothing has used the model yet."""
        if model in self._own_names:
            return self._own.in_turn()
        extra = self._extras.get(model)
        return extra.whisper.in_turn() if extra else nullcontext()

    async def step(self, flow: Flow, read: Callable[[], Audio], options: DecodeOptions) -> Step:
        """As WhisperService does."""
        async with self._using(options.model) as whisper:
            return await whisper.step(flow, read, _unnamed(options))

    async def encode(
        self, flow: Flow, samples: ReadSamples, window: Span, options: DecodeOptions
    ) -> EncodedWindow:
        """As WhisperService does."""
        async with self._using(options.model) as whisper:
            return await whisper.encode(flow, samples, window, _unnamed(options))

    async def detect_language(
        self,
        flow: Flow,
        samples: ReadSamples,
        windows: Sequence[Span],
        options: DecodeOptions,
        encoded: Encoded,
    ) -> str | None:
        """As WhisperService does."""
        async with self._using(options.model) as whisper:
            return await whisper.detect_language(flow, samples, windows, _unnamed(options), encoded)

    async def transcribe(
        self,
        flow: Flow,
        samples: ReadSamples,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        encoded: Encoded,
        spoken: Languages = (),
    ) -> AsyncGenerator[ChunkPart]:
        """As WhisperService does."""
        async with self._using(options.model) as whisper:
            work = whisper.transcribe(
                flow, samples, chunk, speech, windows, _unnamed(options), encoded, spoken
            )
            async with aclosing(work) as parts:
                async for part in parts:
                    yield part

    @asynccontextmanager
    async def _using(self, model: str) -> AsyncIterator[WhisperService]:
        if model in self._own_names:
            yield self._own
            return
        async with self._changed:  # held for moments only: all requests for extra models need it
            self._wanted[model] += 1
            try:
                await self._changed.wait_for(lambda: self._is_available(model))
            finally:
                self._wanted -= Counter([model])
            extra = self._acquire(model)
            extra.users += 1
        try:
            yield extra.whisper
        finally:
            extra.users -= 1
            async with self._changed:
                self._changed.notify_all()

    def _is_available(self, model: str) -> bool:
        """Whether `model` exists or can be added; where room is needed, an unused model is removed."""
        if model in self._extras:
            return True
        if self._is_full() and len(self._removals) < len(self._wanted.keys() - self._extras.keys()):
            self._remove_unused()
        return not self._is_full() and model not in self._removals

    def _is_full(self) -> bool:
        return len(self._extras) + len(self._removals) >= self._max_extras

    def _remove_unused(self) -> None:
        unused = next((name for name, extra in self._extras.items() if not extra.users), None)
        if unused is not None:
            del self._extras[unused]
            self._removals[unused] = asyncio.create_task(self._remove_one(unused))

    def _acquire(self, model: str) -> _Extra:
        """Raises ModelUnavailableError."""
        extra = self._extras.pop(model, None) or _Extra(self._add(model))
        self._extras[model] = extra
        return extra

    async def _remove_one(self, model: str) -> None:
        """Apart from the request that needs the room: it may take a while and must be finished."""
        try:
            await self._remove(model)
        finally:
            async with self._changed:
                del self._removals[model]
                self._changed.notify_all()


def _unnamed(options: DecodeOptions) -> DecodeOptions:
    """Both names of the own model share its batches."""
    return replace(options, model="")
