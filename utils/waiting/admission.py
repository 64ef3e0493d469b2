"""Admission control: caps uploads and concurrent transcriptions, shares them among owners, and drains them on
shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import monotonic

from exceptions import (
    OverloadedError,
    ShuttingDownError,
    TranscriptionServerError,
    UploadTimeoutError,
)
from utils.waiting.progress import Progress
from utils.waiting.upload_rate import UploadRate

UPLOADS_PER_PLACE = 4  # an upload takes no computing time, and may take long


class Admitted:
    """A request that was admitted: its upload is arriving, or it is at work."""

    def __init__(self, request_id: str, owner: str, clock: Callable[[], float]) -> None:
        self.progress = Progress(request_id, owner)
        self.rate = UploadRate(clock)
        self._task = asyncio.current_task()
        self._replacement: TranscriptionServerError | None = None

    def cancel(self, error: TranscriptionServerError) -> None:
        """Cancel the request, which then raises `error`."""
        if self._task:
            self._replacement = error
            self._task.cancel()

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            # A disconnect cancels the task too, and that must stay cancelled. Only a cancellation by
            # `cancel` is undone: the task goes on to send the error, which a cancelled task could not.
            if self._task is None or self._replacement is None:
                raise
            self._task.uncancel()
            raise self._replacement from None


class Admission:
    """Counts the uploads that are arriving apart from the requests at work, so that slow clients do not keep
    the models idle. What would exceed a limit is refused before its upload is read."""

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self.is_closed = False
        self._clock = clock
        self._arriving: dict[Admitted, None] = {}  # dicts as ordered sets
        self._waiting: dict[Admitted, None] = {}
        self._working: dict[Admitted, None] = {}
        self._watching: dict[Admitted, None] = {}
        self._left = asyncio.Event()

    def close(self) -> None:
        """Admit no further requests."""
        self.is_closed = True

    def cancel_all(self) -> None:
        """Cancel the requests in flight; each is answered with ShuttingDownError."""
        for admitted in [*self._arriving, *self._waiting, *self._working, *self._watching]:
            admitted.cancel(ShuttingDownError())

    @property
    def in_flight(self) -> list[Progress]:
        return [admitted.progress for admitted in (*self._arriving, *self._waiting, *self._working)]

    @contextmanager
    def admit(self, request_id: str, owner: str = "") -> Iterator[Admitted]:
        """A request, whose upload is arriving until it calls `begin`. Raises OverloadedError;
        ShuttingDownError, also once `cancel_all` was called; UploadTimeoutError once it made room for another
        upload."""
        if self.is_closed:
            raise ShuttingDownError
        if not _has_room([*self._waiting, *self._working], self.limit, owner):
            raise OverloadedError(
                f"This server is processing {self.limit} transcriptions, its limit; try again soon."
            )
        most = UPLOADS_PER_PLACE * self.limit
        if not (_has_room(self._arriving, most, owner) or self._end_slowest()):
            raise OverloadedError(f"This server is receiving {most} uploads, its limit; try again soon.")
        admitted = Admitted(request_id, owner, self._clock)
        self._arriving[admitted] = None
        try:
            with admitted.cancellable():
                yield admitted
        finally:
            for group in (self._arriving, self._waiting, self._working):
                group.pop(admitted, None)
            self._left.set()

    async def begin(self, admitted: Admitted) -> None:
        """Called when the upload has arrived; waits for a place among the requests at work."""
        self._arriving.pop(admitted, None)
        self._waiting[admitted] = None
        while not _has_room(self._working, self.limit, admitted.progress.owner):
            self._left.clear()
            await self._left.wait()
        del self._waiting[admitted]
        self._working[admitted] = None

    @contextmanager
    def watch(self, request_id: str) -> Iterator[Admitted]:
        """A request that takes no place, such as one that follows a job; `cancel_all` cancels it too."""
        admitted = Admitted(request_id, "", self._clock)
        self._watching[admitted] = None
        try:
            with admitted.cancellable():
                yield admitted
        finally:
            del self._watching[admitted]

    def _end_slowest(self) -> bool:
        """End the slowest upload if it is too slow to be worth its place."""
        slow = [admitted for admitted in self._arriving if admitted.rate.is_slow()]
        if not slow:
            return False
        slowest = min(slow, key=lambda admitted: admitted.rate.average)
        del self._arriving[slowest]
        slowest.cancel(UploadTimeoutError("The upload was too slow while others waited; send it again."))
        return True


def _has_room(group: Collection[Admitted], limit: int, owner: str) -> bool:
    """Below the limit anyone is admitted. Beyond it, up to twice the limit, only owners who hold less than an
    equal share: whoever came first may hold every place for hours."""
    if len(group) < limit:
        return True
    owners = {admitted.progress.owner for admitted in group} | {owner}
    held = sum(admitted.progress.owner == owner for admitted in group)
    return held < max(1, limit // len(owners)) and len(group) < 2 * limit
