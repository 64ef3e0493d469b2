"""Who goes next, and with whom, on a model that many requests share. Pure: it knows no model."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

CALM = 64  # full batches that fit before one more is tried


class _Entry(NamedTuple, Generic[T]):
    key: Hashable
    item: T


class FairQueue(Generic[T]):
    """Items wait in a line for each owner. A batch begins with the owner whose turn it is and takes items of
    equal key along, one of each owner in turn, and around again while there is room.

    Owners that were served go behind everyone who waits by the next `take`, newcomers included, so that
    between two batches that an owner begins everybody else has had a turn.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, list[_Entry[T]]] = {}  # by owner, in the order of their turns
        self._served: tuple[Hashable, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def put(self, owner: Hashable, key: Hashable, item: T) -> None:
        self._lines.setdefault(owner, []).append(_Entry(key, item))

    def take(self, most: int) -> list[T]:
        """The next batch: at least one item, at most `most`, all of one key. The queue must not be empty."""
        for owner in self._served:
            if line := self._lines.pop(owner, None):
                self._lines[owner] = line
        key = next(iter(self._lines.values()))[0].key
        batch: list[T] = []
        served: dict[Hashable, None] = {}
        while len(batch) < most and (rounds := self._round(key, most - len(batch))):
            served |= dict.fromkeys(owner for owner, _ in rounds)
            batch += [item for _, item in rounds]
        self._served = tuple(served)
        return batch

    def take_all(self) -> list[T]:
        lines, self._lines = self._lines, {}
        return [entry.item for line in lines.values() for entry in line]

    def remove(self, owner: Hashable, item: T) -> None:
        """Take `item` out if it still waits."""
        line = self._lines.get(owner, [])
        line[:] = [entry for entry in line if entry.item is not item]
        if not line:
            self._lines.pop(owner, None)

    def _round(self, key: Hashable, most: int) -> list[tuple[Hashable, T]]:
        """Up to `most` items of `key`, the first of each owner in turn."""
        found: list[tuple[Hashable, T]] = []
        for owner, line in list(self._lines.items()):
            if len(found) == most:
                break
            index = next((n for n, entry in enumerate(line) if entry.key == key), None)
            if index is None:
                continue
            found.append((owner, line.pop(index).item))
            if not line:
                del self._lines[owner]
        return found


class BatchLimit:
    """How many items fit into memory at once: halved when they did not, one more tried after a calm while."""

    def __init__(self, most: int) -> None:
        self.size = most
        self._most = most
        self._calm = 0

    def overflowed(self, size: int) -> None:
        """A batch of `size` did not fit."""
        self.size, self._calm = max(1, size // 2), 0

    def fitted(self, size: int) -> None:
        """A batch of `size` went through."""
        if size < self.size or self.size == self._most:
            return
        self._calm += 1
        if self._calm == CALM:
            self.size, self._calm = self.size + 1, 0
