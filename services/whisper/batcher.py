"""Batches the windows of all requests on one recogniser: pulled when it is free, fairly, in short steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import Context
from typing import Any, TypeVar

from exceptions import ModelCrashedError
from models import Span, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.jobs import Decoding, Detection, Encoding, Job, PartsDetection, is_out_of_memory
from services.whisper.work_queues import BatchSizes, WorkQueues
from utils.model_manager import ModelSlot
from utils.process.read_ahead import ReadAhead
from utils.waiting.concurrency import Lanes
from utils.waiting.fair_queue import BatchLimit, Flow

logger = logging.getLogger(__name__)

R = TypeVar("R")


class WhisperBatcher:
    """Whenever a lane of the model is free it pulls the next batch from the queues; no timer needs tuning."""

    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._slot = slot
        self._queues = WorkQueues(sizes, slot.lanes)
        self._limit = BatchLimit(max(sizes.encode, sizes.decode))
        self._lanes = Lanes(slot.lanes)
        self._ahead = ReadAhead(sizes.in_flight(slot.lanes), slot.lanes)
        self._workers: list[asyncio.Task[None]] = []

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """A live session is in a turn: files leave a lane to it."""
        try:
            with self._queues.in_turn():
                yield
        finally:
            self._start_worker()  # for the files that were held back

    async def encode(
        self, flow: Flow, read: Callable[[], WindowFeatures], options: DecodeOptions, is_late: bool = False
    ) -> EncodedWindow:
        """Encode, when its turn comes, the window that `read` returns, not read before that if it `is_late`;
        `options` are those that it will be decoded with. A window without samples is not encoded."""
        if is_late:
            return await self._submit(Encoding(flow, read, options))
        with self._ahead.reading(read) as result:
            return await self._submit(Encoding(flow, result, options))

    async def language_probabilities(self, flow: Flow, window: EncodedWindow) -> Mapping[str, float]:
        """The probability of each language in an encoded window. Such work is short, and without it what is
        encoded cannot be decoded, so it comes before all other."""
        return await self._submit(Detection(flow, window))

    async def languages_of_parts(
        self, flow: Flow, window: EncodedWindow, parts: Sequence[Span]
    ) -> Sequence[Mapping[str, float]]:
        """The same for each of `parts`, in samples of the window, which hold all its speech."""
        return await self._submit(PartsDetection(flow, window, parts))

    async def decode(
        self, flow: Flow, window: EncodedWindow, options: DecodeOptions, words: bool, retries: bool = True
    ) -> WindowText:
        """The text of an encoded window, with `retries` decoded again at higher temperatures while it is
        doubtful."""
        temperature = options.temperature  # the ladder's first rung, and its only one unless it is 0
        job = Decoding(flow, window, options, words, retries, temperature)
        return await self._submit(job)

    async def _submit(self, job: Job[R]) -> R:
        """Queue a job and wait for its result; the job of a cancelled caller leaves the queue at once."""
        self._queues.put(job)
        self._start_worker()
        try:
            return await job.future
        finally:
            self._queues.remove(job)

    def _start_worker(self) -> None:
        """Workers end when nothing may run, so whatever changes that makes sure that one runs, up to one per
        lane. None counted here misses it: a worker that found nothing ends without another await. Their
        context is empty, since they work for every caller, not for the one that started them."""
        self._workers = [worker for worker in self._workers if not worker.done()]
        if len(self._workers) < self._slot.lanes and self._queues.next_rank is not None:
            self._workers.append(asyncio.create_task(self._work(), context=Context()))

    async def _work(self) -> None:
        """Run steps until none may run."""
        has_decoded = False
        try:
            while self._queues.next_rank is not None:
                has_decoded = await self._run_step(has_decoded)
        except BaseException:
            # Closing the slot cancelled the step that waited for a thread, and this worker with it. No step
            # can run any more then, so that everything queued is cancelled.
            _cancel(self._queues.take_all())
            raise

    async def _run_step(self, has_decoded: bool) -> bool:
        """Run the next batch; returns whether it was decoded. Jobs whose process crashed are retried once,
        each with all lanes to itself, so that only the one that crashes it fails."""
        jobs: Sequence[Job[Any]] = ()
        try:
            with ExitStack() as running:
                async with self._lanes.one():
                    # Empty if another worker was faster, for the same lane.
                    jobs = running.enter_context(self._queues.batch(self._limit.size, has_decoded))
                    crashed = await self._attempt(jobs)
                # A crash fails the calls of every lane, and which job caused it is unknown: beside others, a
                # retry could take them down again. The own lane is released: `all` would wait for it.
                for job in crashed:
                    await self._retry_alone(job)
                # Lets the callers just answered queue their next job before the next step is chosen: without
                # it, a window just encoded would miss the batch.
                await asyncio.sleep(0)
        except asyncio.CancelledError:  # by closing the slot; `_work` cancels only what is still queued
            _cancel(jobs)
            raise
        return any(isinstance(job, Decoding) for job in jobs)

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
                self._queues.put(job)


def _cancel(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.future.cancel()
