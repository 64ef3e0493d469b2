"""Batches the windows of all requests on one recogniser: pulled when it is free, fairly, in short steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

from exceptions import ModelCrashedError
from models import Span, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.jobs import Decoding, Detection, Encoding, Job, PartsDetection, is_out_of_memory
from utils.model_manager import ModelSlot
from utils.process.read_ahead import ReadAhead
from utils.waiting.concurrency import Lanes
from utils.waiting.fair_queue import BatchLimit, FairQueue, Flow

logger = logging.getLogger(__name__)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """How many windows go through the encoder and through the decoder in one step."""

    encode: int = 1
    decode: int = 2

    def resized(self, decode: int) -> BatchSizes:
        """These sizes, or those for the operator's `decode` if it is not 0."""
        return BatchSizes(min(self.encode, decode), decode) if decode else self

    def in_flight(self, lanes: int) -> int:
        """Windows that keep the model busy: a batch in each lane and one queued."""
        return (lanes + 1) * max(self.encode, self.decode)


class WhisperBatcher:
    """Whenever a lane of the model is free it pulls the next batch from the queues; no timer needs tuning.

    On a CPU the encoder gains nothing from batching. Windows are therefore encoded one by one, so that new
    requests get in between, and decoded once a full batch is encoded or no window waits to be encoded.
    """

    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._slot = slot
        self._sizes = sizes
        self._limit = BatchLimit(max(sizes.encode, sizes.decode))
        self._max_encoded = sizes.in_flight(slot.lanes)
        self._to_detect: FairQueue[Detection | PartsDetection] = FairQueue()
        self._to_encode: FairQueue[Encoding] = FairQueue()
        self._to_decode: FairQueue[Decoding] = FairQueue()
        self._num_encoding = 0
        self._lanes = Lanes(slot.lanes)
        self._ahead = ReadAhead(self._max_encoded, slot.lanes)
        self._workers: list[asyncio.Task[None]] = []

    async def encode(
        self, flow: Flow, read: Callable[[], WindowFeatures], options: DecodeOptions
    ) -> EncodedWindow:
        """Encode, when its turn comes, the window that `read` returns; `options` are those that it will be
        decoded with."""
        with self._ahead.reading(read) as result:
            return await self._submit(self._to_encode, Encoding(flow, result, options))

    async def language_probabilities(self, flow: Flow, window: EncodedWindow) -> Mapping[str, float]:
        """The probability of each language in an encoded window. Such work is short, and without it what is
        encoded cannot be decoded, so it comes before all other."""
        return await self._submit(self._to_detect, Detection(flow, window))

    async def languages_of_parts(
        self, flow: Flow, window: EncodedWindow, parts: Sequence[Span]
    ) -> Sequence[Mapping[str, float]]:
        """The same for each of `parts`, in samples of the window, which hold all its speech."""
        return await self._submit(self._to_detect, PartsDetection(flow, window, parts))

    async def decode(
        self, flow: Flow, window: EncodedWindow, options: DecodeOptions, words: bool, retries: bool = True
    ) -> WindowText:
        """The text of an encoded window, with `retries` decoded again at higher temperatures while it is
        doubtful."""
        temperature = options.temperature  # the ladder's first rung, and its only one unless it is 0
        job = Decoding(flow, window, options, words, retries, temperature)
        return await self._submit(self._to_decode, job)

    async def _submit(self, queue: FairQueue[Any], job: Job[R]) -> R:
        """Queue a job and wait for its result; the job of a cancelled caller leaves the queue at once."""
        queue.put(job.flow, job.key, job)
        # Workers end when nothing is queued, so every job makes sure that one runs, up to one per lane. None
        # counted here misses the job: a worker that found the queues empty ends without another await. Their
        # context is empty, since they work for every caller, not for the one that started them.
        self._workers = [worker for worker in self._workers if not worker.done()]
        if len(self._workers) < self._slot.lanes:
            self._workers.append(asyncio.create_task(self._work(), context=Context()))
        try:
            return await job.future
        finally:
            queue.remove(job.flow, job)

    async def _work(self) -> None:
        """Run steps until nothing is queued."""
        has_decoded = False
        try:
            while self._is_queued:
                has_decoded = await self._run_step(has_decoded)
        finally:
            # All queues are empty, unless closing the slot cancelled the step that waited for a thread, and
            # this worker with it. No step can run any more then, so that everything queued is cancelled.
            _cancel([job for queue in self._queues for job in queue.take_all()])

    @property
    def _queues(self) -> tuple[FairQueue[Any], ...]:
        return self._to_detect, self._to_encode, self._to_decode

    @property
    def _is_queued(self) -> bool:
        return any(len(queue) for queue in self._queues)

    async def _run_step(self, has_decoded: bool) -> bool:
        """Run the next batch; returns whether it was decoded. Jobs whose process crashed are retried once,
        each with all lanes to itself, so that only the one that crashes it fails."""
        jobs: Sequence[Job[Any]] = ()
        num_encoding = 0
        try:
            async with self._lanes.one():
                if self._is_queued:  # else another worker was faster, for the same lane
                    jobs = self._next_batch(has_decoded)
                num_encoding = sum(isinstance(job, Encoding) for job in jobs)
                self._num_encoding += num_encoding
                crashed = await self._attempt(jobs)
            # A crash fails the calls of every lane, and which job caused it is unknown: beside others, a
            # retry could take them down again. The own lane is released: `all` would wait for it.
            for job in crashed:
                await self._retry_alone(job)
            # Lets the callers just answered queue their next job before the next step is chosen: without it,
            # a window just encoded would miss the batch.
            await asyncio.sleep(0)
        except asyncio.CancelledError:  # by closing the slot; `_work` cancels only what is still queued
            _cancel(jobs)
            raise
        finally:
            self._num_encoding -= num_encoding
        return any(isinstance(job, Decoding) for job in jobs)

    def _next_batch(self, has_decoded: bool) -> Sequence[Job[Any]]:
        """While windows wait to be encoded, an encode step follows each decode step, since encoding is where
        new requests start, and only full batches are decoded: the others can still fill up. Two decode steps
        in a row come only if there is nothing to encode, or no room for what is encoded."""
        detect, encode, decode = (queue.num_awaited for queue in self._queues)
        if not (detect or encode or decode):  # only abandoned work is left
            detect, encode, decode = (len(queue) for queue in self._queues)
        if detect:
            return self._to_detect.take(1)
        # Encoded windows take megabytes each, so that their number has a bound over all requests. Abandoned
        # ones may be as many again: they wait for all others, and must not leave these without room.
        room = min(self._max_encoded - decode, 2 * self._max_encoded - len(self._to_decode))
        room -= self._num_encoding
        is_batch_due = decode >= self._sizes.decode and not has_decoded
        if encode and room > 0 and not is_batch_due:
            return self._to_encode.take(min(self._sizes.encode, self._limit.size, room))
        return self._to_decode.take(min(self._sizes.decode, self._limit.size))

    async def _attempt(self, jobs: Sequence[Job[Any]]) -> Sequence[Job[Any]]:
        """Run all jobs in one call; if that fails, one by one, so that only the bad one fails, or in halves
        if memory ran out. Returns the jobs whose process crashed."""
        jobs = [job for job in jobs if not job.is_over]  # callers may have left since an earlier attempt
        if not jobs:
            return ()
        try:
            await self._step(jobs)
            self._limit.fitted(len(jobs))
            return ()
        except ModelCrashedError:
            return jobs  # not retried here, where this worker holds one lane and others may be busy
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].fail(error)
                return ()
            size = 1
            if is_out_of_memory(error):
                self._limit.overflowed(len(jobs))  # also keeps the next batches smaller
                size = self._limit.size
            logger.warning("A batch of %d windows failed; retrying %d at a time: %s", len(jobs), size, error)
            parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
            return [job for part in parts for job in await self._attempt(part)]

    async def _retry_alone(self, job: Job[Any]) -> None:
        if job.is_over:
            return
        async with self._lanes.all():
            try:
                await self._step([job])
            except Exception as error:  # a crash included: alone, this job must be the cause
                job.fail(error)

    async def _step(self, jobs: Sequence[Job[Any]]) -> None:
        """One call of the model. A window that needs another temperature is requeued, apart from the rest of
        its batch."""

        def call(model: Recogniser) -> list[tuple[Job[Any], Any]]:
            # Callers may have left by the time a thread is free, above all where the model was loaded first.
            waiting = [job for job in jobs if not job.is_over]
            return list(zip(waiting, waiting[0].run(model, waiting), strict=True)) if waiting else []

        for job, result in await self._slot.run(call):
            job.take(result)
            if isinstance(job, Decoding) and not job.is_over:
                self._to_decode.put(job.flow, job.key, job)


def _cancel(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.future.cancel()
