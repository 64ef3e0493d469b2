"""Fair queuing and batching for a model that many requests share. Pure: it knows no model."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

GROW_AFTER = 64  # full batches that fit before the limit is raised by one


class _Entry(NamedTuple, Generic[T]):
    key: Hashable
    item: T


class FairQueue(Generic[T]):
    """Round-robin over one queue per owner. A batch starts with the owner whose turn it is and adds items of
    equal key, one per owner in turn, for as many rounds as there is room.

    Owners just served move behind all that wait at the next `take`, newcomers included, so that between
    two batches that an owner starts every other owner has had a turn.
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, list[_Entry[T]]] = {}  # by owner, in the order of their turns
        self._served: tuple[Hashable, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def put(self, owner: Hashable, key: Hashable, item: T) -> None:
        self._queues.setdefault(owner, []).append(_Entry(key, item))

    def take(self, limit: int) -> list[T]:
        """The next batch: 1 to `limit` items, all of one key. The queue must not be empty."""
        for owner in self._served:
            if queue := self._queues.pop(owner, None):
                self._queues[owner] = queue
        key = next(iter(self._queues.values()))[0].key
        batch: list[T] = []
        served: dict[Hashable, None] = {}
        while len(batch) < limit and (taken := self._round(key, limit - len(batch))):
            served |= dict.fromkeys(owner for owner, _ in taken)
            batch += [item for _, item in taken]
        self._served = tuple(served)
        return batch

    def take_all(self) -> list[T]:
        queues, self._queues = self._queues, {}
        return [entry.item for queue in queues.values() for entry in queue]

    def remove(self, owner: Hashable, item: T) -> None:
        """Remove `item` if it is still queued."""
        queue = self._queues.get(owner, [])
        queue[:] = [entry for entry in queue if entry.item is not item]
        if not queue:
            self._queues.pop(owner, None)

    def _round(self, key: Hashable, limit: int) -> list[tuple[Hashable, T]]:
        """Up to `limit` items of `key`, the first of each owner in turn."""
        found: list[tuple[Hashable, T]] = []
        for owner, queue in list(self._queues.items()):
            if len(found) == limit:
                break
            index = next((n for n, entry in enumerate(queue) if entry.key == key), None)
            if index is None:
                continue
            found.append((owner, queue.pop(index).item))
            if not queue:
                del self._queues[owner]
        return found


class BatchLimit:
    """How many items fit into memory at once: halved when a batch does not fit, else raised slowly."""

    def __init__(self, maximum: int) -> None:
        self.size = maximum
        self._maximum = maximum
        self._fits = 0

    def overflowed(self, size: int) -> None:
        """A batch of `size` did not fit."""
        self.size, self._fits = max(1, size // 2), 0

    def fitted(self, size: int) -> None:
        """A batch of `size` fitted."""
        if size < self.size or self.size == self._maximum:
            return
        self._fits += 1
        if self._fits == GROW_AFTER:
            self.size, self._fits = self.size + 1, 0
