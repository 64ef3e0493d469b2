"""What waits for the recogniser, and which of it comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from services.whisper.jobs import Decoding, Encoding, Job
from utils.waiting.fair_queue import FairQueue, Rank

LIVE_IN_A_ROW = 8  # live batches after which one of files is due


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

    def at_most(self, limit: int) -> BatchSizes:
        """As many as fit into memory."""
        return BatchSizes(min(self.encode, limit), min(self.decode, limit))

    def halved(self) -> BatchSizes:
        return BatchSizes(max(1, self.encode // 2), max(1, self.decode // 2))


class WorkQueues:
    """Live work comes before that of files; of nine batches, one is of files if they wait.

    A step of a file may take a second, so while a live session is in a turn a lane is kept free of files, or
    on a model with one lane their batches are small. On a CPU the encoder gains nothing from batching.
    Windows of files are therefore encoded one by one, so that new requests get in between, and decoded once a
    full batch is encoded or no window waits to be encoded.
    """

    def __init__(self, sizes: BatchSizes, lanes: int) -> None:
        self._sizes = sizes
        self._lanes = lanes
        self._max_encoded = sizes.in_flight(lanes)
        self._to_detect: FairQueue[Job[Any]] = FairQueue()
        self._to_encode: FairQueue[Job[Any]] = FairQueue()
        self._to_decode: FairQueue[Job[Any]] = FairQueue()
        self._num_turns = 0
        self._live_in_a_row = 0
        self._file_batches = 0  # that run
        self._file_windows = 0  # that are being encoded

    def put(self, job: Job[Any]) -> None:
        self._queue_of(job).put(job.flow, job.key, job)

    def remove(self, job: Job[Any]) -> None:
        """Remove it if it is still queued."""
        self._queue_of(job).remove(job.flow, job)

    def take_all(self) -> list[Job[Any]]:
        return [job for queue in self._queues for job in queue.take_all()]

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """A live session is in a turn."""
        self._num_turns += 1
        try:
            yield
        finally:
            self._num_turns -= 1

    @property
    def next_rank(self) -> Rank | None:
        """That of the next batch; None if none may run now."""
        first, file = self._first_rank(Rank.FINAL), self._first_rank(Rank.FILE)
        is_due = first == file or self._live_in_a_row >= LIVE_IN_A_ROW
        if file is not None and is_due and self._has_lane_for_files:
            return file
        return first if first != file else None

    @contextmanager
    def batch(self, limit: int, has_decoded: bool) -> Iterator[Sequence[Job[Any]]]:
        """The next batch, at most `limit` windows, until it has run; empty if none may run. `has_decoded`
        says that the last one of this lane was decoded."""
        rank, sizes = self.next_rank, self._sizes.at_most(limit)
        if rank is None:
            yield ()
        elif rank < Rank.FILE:
            self._live_in_a_row += 1
            yield self._live_batch(rank, sizes)
        else:
            self._live_in_a_row = 0
            jobs = self._file_batch(rank, sizes, has_decoded)
            num_windows = sum(isinstance(job, Encoding) for job in jobs)
            self._file_batches += 1
            self._file_windows += num_windows
            try:
                yield jobs
            finally:
                self._file_batches -= 1
                self._file_windows -= num_windows

    @property
    def _queues(self) -> tuple[FairQueue[Job[Any]], ...]:
        return self._to_detect, self._to_encode, self._to_decode

    def _queue_of(self, job: Job[Any]) -> FairQueue[Job[Any]]:
        kinds = {Encoding: self._to_encode, Decoding: self._to_decode}
        return kinds.get(type(job), self._to_detect)

    def _first_rank(self, start: Rank) -> Rank | None:
        ranks = (queue.first_rank(start) for queue in self._queues)
        return min((rank for rank in ranks if rank is not None), default=None)

    @property
    def _has_lane_for_files(self) -> bool:
        return not self._num_turns or self._lanes == 1 or self._file_batches < self._lanes - 1

    def _live_batch(self, rank: Rank, sizes: BatchSizes) -> Sequence[Job[Any]]:
        """What is nearest to its end comes first. Encoded windows need no bound: sessions have one."""
        if self._to_detect.count(rank):
            return self._to_detect.take(1)
        if self._to_decode.count(rank):
            return self._to_decode.take(sizes.decode)
        return self._to_encode.take(sizes.encode)

    def _file_batch(self, rank: Rank, sizes: BatchSizes, has_decoded: bool) -> Sequence[Job[Any]]:
        """While windows wait to be encoded, an encode step follows each decode step, since encoding is where
        new requests start, and only full batches are decoded: the others can still fill up. Two decode steps
        in a row come only if there is nothing to encode, or no room for what is encoded."""
        if self._num_turns and self._lanes == 1:
            sizes = sizes.halved()
        detect, encode, decode = (queue.count(rank) for queue in self._queues)
        if detect:
            return self._to_detect.take(1, rank)
        # Encoded windows take megabytes each, so that their number has a bound over all requests. Abandoned
        # ones may be as many again: they wait for all others, and must not leave these without room.
        waiting = self._to_decode.count(Rank.FILE) + self._to_decode.count(Rank.ABANDONED)
        room = min(self._max_encoded - decode, 2 * self._max_encoded - waiting) - self._file_windows
        is_batch_due = decode >= sizes.decode and not has_decoded
        if encode and room > 0 and not is_batch_due:
            return self._to_encode.take(min(sizes.encode, room), rank)
        return self._to_decode.take(sizes.decode, rank)
