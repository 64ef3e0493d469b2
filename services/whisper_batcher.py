"""Windows of all requests through one recogniser: pull when free, in fair order, in short steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeAlias, TypeVar

from exceptions import ModelCrashedError, ModelFailedError
from models import Audio, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser
from utils.model_manager import ModelSlot
from utils.waiting.concurrency import Lanes
from utils.waiting.fair_queue import BatchLimit, FairQueue
from utils.words.temperature_ladder import next_rung, settle

logger = logging.getLogger(__name__)

R = TypeVar("R")
J = TypeVar("J", bound="_Job[Any]")
Step: TypeAlias = Callable[[Sequence[J]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """How many windows go through the encoder and through the decoder in one step."""

    encode: int = 1
    decode: int = 2

    def resized(self, decode: int) -> BatchSizes:
        """These, or what the operator wants where that is not 0."""
        return BatchSizes(min(self.encode, decode), decode) if decode else self


@dataclass(slots=True, eq=False)
class _Job(Generic[R]):
    answer: asyncio.Future[R]


@dataclass(slots=True, eq=False)
class _Encoding(_Job[EncodedWindow]):
    read: Callable[[], Audio]


@dataclass(slots=True, eq=False)
class _Decoding(_Job[WindowText]):
    owner: Hashable
    window: EncodedWindow
    options: DecodeOptions
    words: bool
    temperature: float
    tries: list[WindowText] = field(default_factory=list)


class WhisperBatcher:
    """Whenever a lane of the model is free it takes the next batch of what waits; there is no timer to tune.

    On a CPU the encoder gains nothing from a batch. So windows are encoded one by one, which lets newcomers
    in between, and decoded once a batch of them is there or nothing else waits.
    """

    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._slot = slot
        self._sizes = sizes
        self._limit = BatchLimit(max(sizes.encode, sizes.decode))
        self._to_encode: FairQueue[_Encoding] = FairQueue()
        self._to_decode: FairQueue[_Decoding] = FairQueue()
        self._lanes = Lanes(slot.lanes)
        self._workers: list[asyncio.Task[None]] = []

    async def encode(self, owner: Hashable, read: Callable[[], Audio]) -> EncodedWindow:
        """The window that `read` gives on the model's thread, encoded when its owner's turn comes."""
        job = _Encoding(asyncio.get_running_loop().create_future(), read)
        return await self._wait_in(self._to_encode, owner, None, job)

    async def decode(
        self, owner: Hashable, window: EncodedWindow, options: DecodeOptions, words: bool
    ) -> WindowText:
        """The text of an encoded window, tried again at higher temperatures where it is doubtful."""
        temperature = options.temperature  # the first rung of the ladder, or the only one
        job = _Decoding(
            asyncio.get_running_loop().create_future(), owner, window, options, words, temperature
        )
        return await self._wait_in(self._to_decode, owner, _key(job), job)

    async def _wait_in(self, queue: FairQueue[Any], owner: Hashable, key: Hashable, job: _Job[R]) -> R:
        """Cancelled while it waits, a job is out of the queue at once."""
        queue.put(owner, key, job)
        self._workers = [worker for worker in self._workers if not worker.done()]
        if len(self._workers) < self._slot.lanes:
            self._workers.append(asyncio.create_task(self._work()))
        try:
            return await job.answer
        finally:
            queue.remove(owner, job)

    async def _work(self) -> None:
        """Step after step until nothing waits; two of decoding in a row only where nobody is to be heard."""
        has_decoded = False
        try:
            while self._to_encode or self._to_decode:
                batch_waits = len(self._to_decode) >= self._sizes.decode and not has_decoded
                has_decoded = batch_waits or not self._to_encode
                if has_decoded:
                    await self._take(self._to_decode, self._sizes.decode, self._decode)
                else:
                    await self._take(self._to_encode, self._sizes.encode, self._encode)
                await asyncio.sleep(0)  # who was answered puts the next step of its window in first
        finally:  # nothing waits, unless the slot was closed
            jobs: list[_Job[Any]] = [*self._to_encode.take_all(), *self._to_decode.take_all()]
            for job in jobs:
                job.answer.cancel()

    async def _take(self, queue: FairQueue[J], most: int, step: Step[J]) -> None:
        """The next step of `queue`. Windows that were in hand when the model's process ended are tried once
        more with nothing beside them, so that only the one that ends it fails."""
        async with self._lanes.one():
            if not queue:  # taken while this lane was waited for
                return
            fallen = await self._attempt(queue.take(min(most, self._limit.size)), step)
        for job in fallen:
            async with self._lanes.all():
                try:
                    await step([job])
                except Exception as error:
                    _fail(job, error)

    async def _attempt(self, jobs: Sequence[J], step: Step[J]) -> Sequence[J]:
        """All jobs together; where that fails one by one, so that only the bad one fails, and where memory
        runs out by halves. Returns those that fell with the model's process."""
        try:
            await step(jobs)
            self._limit.fitted(len(jobs))
            return ()
        except asyncio.CancelledError:
            for job in jobs:
                job.answer.cancel()
            raise
        except ModelCrashedError:
            return jobs
        except Exception as error:
            if len(jobs) == 1:
                _fail(jobs[0], error)
                return ()
            size = 1
            if _is_out_of_memory(error):
                self._limit.overflowed(len(jobs))
                size = self._limit.size
            logger.warning("%d windows failed together, tried again %d at once: %s", len(jobs), size, error)
            parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
            return [job for part in parts for job in await self._attempt(part, step)]

    async def _encode(self, jobs: Sequence[_Encoding]) -> None:
        windows = await self._slot.run(lambda model: model.encode([job.read() for job in jobs]))
        for job, window in zip(jobs, windows, strict=True):
            _answer(job, window)

    async def _decode(self, jobs: Sequence[_Decoding]) -> None:
        """One rung of the ladder; a window that needs another waits for it apart from its batch-mates."""
        words, temperature = jobs[0].words, jobs[0].temperature
        windows, options = [job.window for job in jobs], [job.options for job in jobs]
        texts = await self._slot.run(lambda model: model.decode(windows, options, words, temperature))
        for job, text in zip(jobs, texts, strict=True):
            job.tries.append(text)
            rung = next_rung(job.tries, job.options.temperature)
            if rung is None:
                _answer(job, settle(job.tries))
            elif not job.answer.done():
                job.temperature = rung
                self._to_decode.put(job.owner, _key(job), job)


def _key(job: _Decoding) -> Hashable:
    """Equal for windows that may share a batch. CTranslate2 wants windows and prompts of one length, so
    windows of other languages may join where there is no prompt; `test_engine` compares the results."""
    options = job.options
    if not (options.prompt or options.keywords):
        options = replace(options, language=None, languages=())
    return options, job.words, job.temperature, len(job.window.states)


def _answer(job: _Job[R], result: R) -> None:
    if not job.answer.done():
        job.answer.set_result(result)


def _fail(job: _Job[Any], error: Exception) -> None:
    if job.answer.done():
        return
    if _is_out_of_memory(error):
        failure = ModelFailedError("The device has no memory left for one window of this recording.")
        failure.__cause__ = error
        error = failure
    job.answer.set_exception(error)


def _is_out_of_memory(error: Exception) -> bool:
    """CTranslate2 raises a plain RuntimeError, "CUDA failed with error out of memory"."""
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
