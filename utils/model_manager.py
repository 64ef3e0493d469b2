"""Model slots: each holds one model and runs its calls on its own threads, one per concurrent call."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from exceptions import ModelCrashedError, ModelFailedError, ModelUnavailableError
from utils.load_failure import LoadFailure
from utils.process.model_process import ModelProcess
from utils.process.resources import lower_priority, resident_bytes
from utils.slot_report import SlotReport, SlotState
from utils.waiting.turns import Turns

logger = logging.getLogger(__name__)

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
R = TypeVar("R")
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class ModelSource(Generic[M_co]):
    """A model's name, device, number of concurrent calls (`lanes`) and loader: `load`, or `in_child(load)`
    for a model that may crash its process."""

    name: str
    load: Callable[[], M_co]
    device: str = "cpu"
    lanes: int = 1


class ModelSlot(Generic[M]):
    """Loads its model on first use. All calls run on the slot's own threads, one per lane, and wait in their
    queue; unloading an idle model is queued there as well."""

    def __init__(self, name: str, source: ModelSource[M], clock: Clock = time.monotonic) -> None:
        self.name = name
        self._source = source
        self._state = SlotState.UNLOADED
        self._failure: LoadFailure | None = None
        self._clock = clock
        self._model: M | None = None
        self._process: ModelProcess | None = None  # of the model, from the start of its load
        self._memory: int | None = None
        self._last_used: float | None = None
        self._load_began = 0.0
        self._turns = Turns(source.lanes)
        self._threads = ThreadPoolExecutor(source.lanes, f"slot-{name}", initializer=lower_priority)
        # Guards loads, unloads and `_users`. A load may hold it for minutes, so only slot threads take it.
        self._lock = threading.Lock()
        self._users = 0
        self._is_closed = False

    async def run(self, work: Callable[[M], R]) -> R:
        """Run `work(model)` on a slot thread, for abandoned work once one is free; if cancelled until then,
        it never runs. Raises ModelUnavailableError when the model cannot be loaded or the slot is closed."""
        # A call that runs already cannot be stopped: its thread finishes it, and the result is dropped.
        async with self._turns.next():
            return await asyncio.wrap_future(self._submit(lambda: self._work(work)))

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
        """Harmless if the slot is closed, or closes meanwhile."""
        if self._is_closed:
            return
        queued = self._submit(lambda: self._unload_if_idle(idle_seconds))
        # Closing cancels what is queued. Awaiting that directly would raise CancelledError in a caller that
        # nobody cancelled.
        await asyncio.wait([asyncio.wrap_future(queued)])
        if not queued.cancelled():
            queued.result()

    def close(self) -> None:
        """Drop the queued calls, then the model. A running call is short and finishes first; in a child
        process it may be long, as a load may, so the process is killed."""
        # The killed call raises ModelCrashedError on its slot thread, which unloads the model. A load that
        # begins now sees the flag, or its process is seen here.
        self._is_closed = True
        if self._process:
            self._process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._unload()

    @property
    def state(self) -> SlotState:
        """A failed load counts until the next caller may try again."""
        return SlotState.FAILED if self._recent_failure() else self._state

    def report(self) -> SlotReport:
        process, idle = self._process, None if self._last_used is None else self._clock() - self._last_used
        return SlotReport(
            model=self._source.name,
            state=self.state,
            device=self._source.device,
            memory=resident_bytes(process.pid) if process else self._memory,
            last_used=None if idle is None else time.time() - idle,
            loading_seconds=self._clock() - self._load_began if self._state is SlotState.LOADING else None,
        )

    def _submit(self, work: Callable[[], R]) -> Future[R]:
        try:
            return self._threads.submit(work)
        except RuntimeError as error:
            if not self._is_closed:
                raise
            raise ModelUnavailableError(f"The {self.name} model was unloaded; try again.") from error

    def _recent_failure(self) -> LoadFailure | None:
        return self._failure if self._failure and self._failure.is_recent(self._clock()) else None

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
        if self._model is not None and self._process and not self._process.is_alive():
            logger.warning("%s: the model process has died; reloading", self.name)
            self._unload()
        if self._model is None:
            if failure := self._recent_failure():
                raise failure.error(self._clock())
            self._load_began, before = self._clock(), resident_bytes(os.getpid())
            self._state = SlotState.LOADING
            try:
                self._model = self._load()
            except Exception as error:
                self._process, self._state = None, SlotState.UNLOADED
                self._failure = LoadFailure(self.name, error, self._clock())
                raise self._failure.error(self._clock()) from error
            self._state, self._failure = SlotState.LOADED, None
            self._memory = max(0, resident_bytes(os.getpid()) - before)
            self._last_used = self._clock()
            logger.info("%s model loaded in %.1f s", self.name, self._clock() - self._load_began)
        return self._model

    def _load(self) -> M:
        """A load whose process ends is tried once more: the system, short of memory, may have killed it."""
        try:
            return self._try_load()
        except ModelCrashedError as error:
            if self._is_closed:
                raise
            logger.warning("%s: %s It is loaded once more.", self.name, error.message)
            return self._try_load()

    def _try_load(self) -> M:
        model = self._source.load()
        if isinstance(model, ModelProcess):
            self._process = model
            if self._is_closed:
                model.kill()
            model.load_model()
        return model

    def _unload_if_idle(self, idle_seconds: float) -> None:
        with self._lock:
            # `_users`: with several lanes, another thread may be in a call while this one runs.
            if self._model is None or self._last_used is None or self._users:
                return
            if self._clock() - self._last_used >= idle_seconds:
                self._unload()
                logger.info("%s model unloaded after %.0f s idle", self.name, idle_seconds)

    def _unload(self) -> None:
        process, self._process = self._process, None
        if process:
            process.close()
        self._model = self._memory = None
        self._state = SlotState.UNLOADED


class ModelManager:
    """The slots of a server by name. The lifespan creates it and passes it on; there is no global."""

    def __init__(self) -> None:
        self._slots: dict[str, ModelSlot[Any]] = {}
        self._extras: set[str] = set()

    def add(
        self, name: str, source: ModelSource[M], clock: Clock = time.monotonic, *, is_extra: bool = False
    ) -> ModelSlot[M]:
        """Add a slot; its model is not loaded yet. An extra one is for a model that a request named."""
        slot = self._slots[name] = ModelSlot(name, source, clock)
        if is_extra:
            self._extras.add(name)
        return slot

    async def remove(self, name: str) -> None:
        """Close a slot that is not in use."""
        self._extras.discard(name)
        await asyncio.to_thread(self._slots.pop(name).close)

    def slots(self) -> Sequence[ModelSlot[Any]]:
        return tuple(self._slots.values())

    @property
    def has_failed(self) -> bool:
        """Whether a model that the server needs could not be loaded; extra ones do not count, since any
        caller could name a model that does not exist."""
        needed = (slot for name, slot in self._slots.items() if name not in self._extras)
        return any(slot.state is SlotState.FAILED for slot in needed)

    async def load_all(self) -> None:
        """Load every model, all at once. Raises what the first to fail raises; the others go on."""
        await asyncio.gather(*(slot.load() for slot in self._slots.values()))

    async def unload_idle(self, idle_seconds: float) -> None:
        """All at once, so that none waits for the calls that are queued for another."""
        loaded = (slot for slot in self._slots.values() if slot.state is SlotState.LOADED)
        await asyncio.gather(*(slot.unload_if_idle(idle_seconds) for slot in loaded))

    def reports(self) -> dict[str, SlotReport]:
        return {name: slot.report() for name, slot in self._slots.items()}

    def close(self) -> None:
        for slot in self._slots.values():
            slot.close()
