"""Model slots: each holds one model and runs its calls on its own threads, one per concurrent call."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import psutil

from exceptions import ModelFailedError, ModelUnavailableError, TranscriptionServerError
from utils.process.model_process import ModelProcess

logger = logging.getLogger(__name__)

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
R = TypeVar("R")
Clock = Callable[[], float]

NICENESS = 5  # of slot threads and model processes: the event loop has priority
RETRY_SECONDS = 30.0  # after a failed load; until then callers get its error at once


class SlotState(StrEnum):
    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelSource(Generic[M_co]):
    """A model's name, device, number of concurrent calls (`lanes`) and loader: `load`, or `in_child(load)`
    for a model that may crash its process."""

    name: str
    load: Callable[[], M_co]
    device: str = "cpu"
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class SlotReport:
    """`memory`, in bytes, is the growth of this process while it loaded the model, or all of the model's own
    process; `last_used` is Unix time."""

    model: str
    state: SlotState
    device: str
    memory: int | None
    last_used: float | None


class ModelSlot(Generic[M]):
    """Loads its model on first use. All calls run on the slot's own threads, one per lane, and wait in their
    queue; unloading an idle model is queued there as well."""

    def __init__(self, name: str, source: ModelSource[M], clock: Clock = time.monotonic) -> None:
        self.name = name
        self._source = source
        self._state = SlotState.UNLOADED
        self._failure: tuple[float, TranscriptionServerError] | None = None
        self._clock = clock
        self._model: M | None = None
        self._memory: int | None = None
        self._last_used: float | None = None
        self._threads = ThreadPoolExecutor(source.lanes, f"slot-{name}", initializer=_lower_priority)
        # Guards loads, unloads and `_users`. A load may hold it for minutes, so only slot threads take it.
        self._lock = threading.Lock()
        self._users = 0

    async def run(self, work: Callable[[M], R]) -> R:
        """Run `work(model)` on a slot thread. If cancelled while it is queued, it never runs.

        Raises ModelUnavailableError when the model cannot be loaded.
        """
        # Cancelling this await cancels a queued call. One that runs already cannot be stopped: its thread
        # finishes it, and the result is dropped.
        return await asyncio.wrap_future(self._threads.submit(self._work, work))

    @property
    def model_name(self) -> str:
        return self._source.name

    @property
    def lanes(self) -> int:
        """How many calls run at once."""
        return self._source.lanes

    async def load(self) -> None:
        await self.run(lambda _: None)

    async def unload_if_idle(self, idle_seconds: float) -> None:
        await asyncio.wrap_future(self._threads.submit(self._unload_if_idle, idle_seconds))

    def close(self) -> None:
        """Drop the queued calls, then the model. A running call is short and finishes first; in a child
        process it may be long, so the process is killed."""
        # The killed call raises ModelCrashedError on its slot thread, which unloads the model.
        if isinstance(self._model, ModelProcess):
            self._model.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._unload()

    @property
    def state(self) -> SlotState:
        """A failed load counts for RETRY_SECONDS; after that the next caller tries again."""
        return SlotState.FAILED if self._recent_failure() else self._state

    def report(self) -> SlotReport:
        model, idle = self._model, None if self._last_used is None else self._clock() - self._last_used
        memory = _resident(model.pid) if isinstance(model, ModelProcess) else self._memory
        return SlotReport(
            model=self._source.name,
            state=self.state,
            device=self._source.device,
            memory=memory,
            last_used=None if idle is None else time.time() - idle,
        )

    def _recent_failure(self) -> TranscriptionServerError | None:
        if self._failure and self._clock() - self._failure[0] < RETRY_SECONDS:
            return self._failure[1]
        return None

    def _work(self, work: Callable[[M], R]) -> R:
        with self._lock:
            model = self._ensure_loaded()
            self._users += 1
        try:
            return work(model)
        except ModelFailedError as error:
            with self._lock:
                if self._model is model:  # else another lane has already unloaded it, and maybe reloaded
                    logger.error("%s: %s The model is reloaded on next use.", self.name, error.message)
                    self._unload()  # waits for the calls that other lanes have in the same process
            raise
        finally:
            with self._lock:
                self._users -= 1
                self._last_used = self._clock()

    def _ensure_loaded(self) -> M:
        if isinstance(self._model, ModelProcess) and not self._model.is_alive():
            logger.warning("%s: the model process has died; reloading", self.name)
            self._unload()
        if self._model is None:
            if failure := self._recent_failure():
                raise failure
            self._state = SlotState.LOADING
            started, before = self._clock(), _resident(os.getpid())
            try:
                self._model = self._source.load()
            except Exception as error:
                self._state = SlotState.UNLOADED
                self._failure = (self._clock(), _as_unavailable(self.name, error))
                raise self._failure[1] from error
            self._state, self._failure = SlotState.LOADED, None
            self._memory = max(0, _resident(os.getpid()) - before)
            self._last_used = self._clock()
            logger.info("%s model loaded in %.1f s", self.name, self._clock() - started)
        return self._model

    def _unload_if_idle(self, idle_seconds: float) -> None:
        with self._lock:
            # `_users`: with several lanes, another thread may be in a call while this one runs.
            if self._model is None or self._last_used is None or self._users:
                return
            if self._clock() - self._last_used >= idle_seconds:
                self._unload()
                logger.info("%s model unloaded after %.0f s idle", self.name, idle_seconds)

    def _unload(self) -> None:
        if isinstance(self._model, ModelProcess):
            self._model.close()
        self._model = self._memory = None
        self._state = SlotState.UNLOADED


def _as_unavailable(name: str, error: Exception) -> TranscriptionServerError:
    if isinstance(error, TranscriptionServerError):
        return error
    return ModelUnavailableError(f"The {name} model cannot be loaded: {error}")


def _lower_priority() -> None:
    """On Linux niceness is per thread and inherited by the threads and processes that it starts. A server
    that was started nicer stays so: lowering niceness takes a privilege."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


def _resident(pid: int) -> int:
    """Resident memory of a process in bytes; 0 once it has exited."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


class ModelManager:
    """The slots of a server by name. The lifespan creates it and passes it on; there is no global."""

    def __init__(self) -> None:
        self._slots: dict[str, ModelSlot[Any]] = {}

    def add(self, name: str, source: ModelSource[M], clock: Clock = time.monotonic) -> ModelSlot[M]:
        """Add a slot; its model is not loaded yet."""
        slot = self._slots[name] = ModelSlot(name, source, clock)
        return slot

    async def remove(self, name: str) -> None:
        """Close a slot that is not in use."""
        await asyncio.to_thread(self._slots.pop(name).close)

    def slots(self) -> Sequence[ModelSlot[Any]]:
        return tuple(self._slots.values())

    async def load_all(self) -> None:
        """Load every model, one after another: loading is bound by the disk."""
        for slot in self._slots.values():
            await slot.load()

    async def unload_idle(self, idle_seconds: float) -> None:
        for name, slot in tuple(self._slots.items()):
            if name in self._slots and slot.state is SlotState.LOADED:  # else removed during an await
                await slot.unload_if_idle(idle_seconds)

    def reports(self) -> dict[str, SlotReport]:
        return {name: slot.report() for name, slot in self._slots.items()}

    def close(self) -> None:
        for slot in self._slots.values():
            slot.close()
