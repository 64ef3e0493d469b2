"""Models live in slots: one model, one thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, Generic, TypeVar

from exceptions import ModelUnavailableError, TranscriptionServerError

logger = logging.getLogger(__name__)

M = TypeVar("M")
R = TypeVar("R")
Clock = Callable[[], float]

RETRY_SECONDS = 30.0  # a model that failed to load is not tried again before; its callers are told at once


class SlotState(StrEnum):
    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"


class ModelSlot(Generic[M]):
    """A model that loads on first use. All work on it runs on its one thread, so that thread's queue
    is the lock, the lease and the reference count; unloading is one more job there and cannot race."""

    def __init__(self, name: str, load: Callable[[], M], clock: Clock = time.monotonic) -> None:
        self.name = name
        self._state = SlotState.UNLOADED
        self._failure: tuple[float, TranscriptionServerError] | None = None
        self._load = load
        self._clock = clock
        self._model: M | None = None
        self._last_used = clock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"slot-{name}")

    async def run(self, work: Callable[[M], R]) -> R:
        """Run `work(model)` on the slot's thread. Cancelled while it waits, it never runs.

        Raises ModelUnavailableError when the model cannot be loaded.
        """
        return await asyncio.wrap_future(self._thread.submit(self._work, work))

    async def load(self) -> None:
        await self.run(lambda _: None)

    async def unload_if_idle(self, idle_seconds: float) -> None:
        await asyncio.wrap_future(self._thread.submit(self._unload_if_idle, idle_seconds))

    def close(self) -> None:
        """Let the job in hand finish, drop those that wait and the model with them."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._drop()

    @property
    def state(self) -> SlotState:
        """A failure is forgotten after a while: then the next caller tries to load again."""
        return SlotState.FAILED if self._recent_failure() else self._state

    def _recent_failure(self) -> TranscriptionServerError | None:
        if self._failure and self._clock() - self._failure[0] < RETRY_SECONDS:
            return self._failure[1]
        return None

    def _work(self, work: Callable[[M], R]) -> R:
        model = self._ensure_loaded()
        try:
            return work(model)
        finally:
            self._last_used = self._clock()

    def _ensure_loaded(self) -> M:
        if self._model is None:
            if failure := self._recent_failure():
                raise failure
            self._state = SlotState.LOADING
            started = self._clock()
            try:
                self._model = self._load()
            except Exception as error:
                self._state = SlotState.UNLOADED
                self._failure = (self._clock(), _as_unavailable(self.name, error))
                raise self._failure[1] from error
            self._state, self._failure = SlotState.LOADED, None
            logger.info("%s model loaded in %.1f s", self.name, self._clock() - started)
        return self._model

    def _unload_if_idle(self, idle_seconds: float) -> None:
        if self._model is not None and self._clock() - self._last_used >= idle_seconds:
            self._drop()
            logger.info("%s model unloaded after %.0f s idle", self.name, idle_seconds)

    def _drop(self) -> None:
        self._model = None
        self._state = SlotState.UNLOADED


def _as_unavailable(name: str, error: Exception) -> TranscriptionServerError:
    if isinstance(error, TranscriptionServerError):
        return error
    return ModelUnavailableError(f"The {name} model cannot be loaded: {error}")


class ModelManager:
    """The slots of a server, by name. One is made by the lifespan and handed over; there is no global."""

    def __init__(self, slots: Mapping[str, ModelSlot[Any]]) -> None:
        self._slots = dict(slots)

    async def load_all(self) -> None:
        """Load every model, one after the other: loading is bound by the disk."""
        for slot in self._slots.values():
            await slot.load()

    async def unload_idle(self, idle_seconds: float) -> None:
        for slot in self._slots.values():
            if slot.state is SlotState.LOADED:
                await slot.unload_if_idle(idle_seconds)

    def states(self) -> dict[str, SlotState]:
        return {name: slot.state for name, slot in self._slots.items()}

    def close(self) -> None:
        for slot in self._slots.values():
            slot.close()
