"""Batches the windows of all requests on one recogniser: pulled when it is free, fairly, in short steps."""

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
        """These sizes, or those for the operator's `decode` if it is not 0."""
        return BatchSizes(min(self.encode, decode), decode) if decode else self


@dataclass(slots=True, eq=False)
class _Job(Generic[R]):
    future: asyncio.Future[R]


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
    """Whenever a lane of the model is free it pulls the next batch from the queues; no timer needs tuning.

    On a CPU the encoder gains nothing from batching. Windows are therefore encoded one by one, so that new
    requests get in between, and decoded once a full batch is encoded or no window waits to be encoded.
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
        """Encode, when its owner's turn comes, the window that `read` returns on the model's thread."""
        job = _Encoding(asyncio.get_running_loop().create_future(), read)
        return await self._submit(self._to_encode, owner, None, job)

    async def decode(
        self, owner: Hashable, window: EncodedWindow, options: DecodeOptions, words: bool
    ) -> WindowText:
        """The text of an encoded window, decoded again at higher temperatures while it is doubtful."""
        temperature = options.temperature  # the ladder's first rung, and its only one unless it is 0
        job = _Decoding(
            asyncio.get_running_loop().create_future(), owner, window, options, words, temperature
        )
        return await self._submit(self._to_decode, owner, _key(job), job)

    async def _submit(self, queue: FairQueue[Any], owner: Hashable, key: Hashable, job: _Job[R]) -> R:
        """Queue a job and wait for its result; the job of a cancelled caller leaves the queue at once."""
        queue.put(owner, key, job)
        # Workers end when nothing is queued, so every job makes sure that one runs, up to one per lane. None
        # counted here misses the job: a worker that found the queues empty ends without another await.
        self._workers = [worker for worker in self._workers if not worker.done()]
        if len(self._workers) < self._slot.lanes:
            self._workers.append(asyncio.create_task(self._work()))
        try:
            return await job.future
        finally:
            queue.remove(owner, job)

    async def _work(self) -> None:
        """Run steps until nothing is queued. Two decode steps in a row only if there is nothing to encode."""
        has_decoded = False
        try:
            while self._to_encode or self._to_decode:
                # While windows wait to be encoded, an encode step follows each decode step, since encoding is
                # where new requests start, and only full batches are decoded: the others can still fill up.
                is_batch_due = len(self._to_decode) >= self._sizes.decode and not has_decoded
                has_decoded = is_batch_due or not self._to_encode
                if has_decoded:
                    await self._run_step(self._to_decode, self._sizes.decode, self._decode)
                else:
                    await self._run_step(self._to_encode, self._sizes.encode, self._encode)
                # Lets the callers just answered queue their next job before the next step is chosen: without
                # it, a window just encoded would miss the batch.
                await asyncio.sleep(0)
        finally:
            # Both queues are empty, unless closing the slot cancelled the step that waited for a thread, and
            # this worker with it. No step can run any more then, so that everything queued is cancelled.
            jobs: list[_Job[Any]] = [*self._to_encode.take_all(), *self._to_decode.take_all()]
            for job in jobs:
                job.future.cancel()

    async def _run_step(self, queue: FairQueue[J], limit: int, step: Step[J]) -> None:
        """Run the next batch of `queue`. Windows whose process crashed are retried once, each with all lanes
        to itself, so that only the one that crashes it fails."""
        async with self._lanes.one():
            if not queue:  # another worker emptied it while this one waited for a lane
                return
            crashed = await self._attempt(queue.take(min(limit, self._limit.size)), step)
        # A crash fails the calls of every lane, and which window caused it is unknown: beside others, a retry
        # could take them down again. The own lane is released by now, since `all` would wait for it.
        for job in crashed:
            async with self._lanes.all():
                try:
                    await step([job])
                except Exception as error:  # a crash included: alone, this window must be the cause
                    _fail(job, error)

    async def _attempt(self, jobs: Sequence[J], step: Step[J]) -> Sequence[J]:
        """Run all jobs in one call; if that fails, one by one, so that only the bad one fails, or in halves
        if memory ran out. Returns the jobs whose process crashed."""
        try:
            await step(jobs)
            self._limit.fitted(len(jobs))
            return ()
        except asyncio.CancelledError:  # by closing the slot; `_work` cancels only what is still queued
            for job in jobs:
                job.future.cancel()
            raise
        except ModelCrashedError:
            return jobs  # not retried here, where this worker holds one lane and others may be busy
        except Exception as error:
            if len(jobs) == 1:
                _fail(jobs[0], error)
                return ()
            size = 1
            if _is_out_of_memory(error):
                self._limit.overflowed(len(jobs))  # also keeps the next batches smaller
                size = self._limit.size
            logger.warning("A batch of %d windows failed; retrying %d at a time: %s", len(jobs), size, error)
            parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
            return [job for part in parts for job in await self._attempt(part, step)]

    async def _encode(self, jobs: Sequence[_Encoding]) -> None:
        windows = await self._slot.run(lambda model: model.encode([job.read() for job in jobs]))
        for job, window in zip(jobs, windows, strict=True):
            _resolve(job, window)

    async def _decode(self, jobs: Sequence[_Decoding]) -> None:
        """One rung of the ladder; a window that needs the next is requeued, apart from its batch-mates."""
        words, temperature = jobs[0].words, jobs[0].temperature
        windows, options = [job.window for job in jobs], [job.options for job in jobs]
        texts = await self._slot.run(lambda model: model.decode(windows, options, words, temperature))
        for job, text in zip(jobs, texts, strict=True):
            job.tries.append(text)
            rung = next_rung(job.tries, job.options.temperature)
            if rung is None:
                _resolve(job, settle(job.tries))
            elif not job.future.done():  # its caller still waits
                job.temperature = rung
                self._to_decode.put(job.owner, _key(job), job)


def _key(job: _Decoding) -> Hashable:
    """Equal for windows that may share a batch. CTranslate2 needs windows and prompts of equal length;
    without prompts the languages may differ (`test_engine` compares the results)."""
    options = job.options
    if not (options.prompt or options.keywords):
        options = replace(options, language=None, languages=())
    return options, job.words, job.temperature, len(job.window.states)


def _resolve(job: _Job[R], result: R) -> None:
    if not job.future.done():
        job.future.set_result(result)


def _fail(job: _Job[Any], error: Exception) -> None:
    if job.future.done():
        return
    if _is_out_of_memory(error):
        failure = ModelFailedError("The device has no memory left for one window of this recording.")
        failure.__cause__ = error
        error = failure
    job.future.set_exception(error)


def _is_out_of_memory(error: Exception) -> bool:
    """CTranslate2 raises a plain RuntimeError, "CUDA failed with error out of memory"."""
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
