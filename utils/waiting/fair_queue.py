"""Fair queuing and batching for a model that many requests share. Pure: it knows no model."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from enum import IntEnum
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

GROW_AFTER = 64  # full batches that fit before the limit is raised by one


class Rank(IntEnum):
    """Which work comes first."""

    FINAL = 0
    """The text of a live turn that has ended."""
    FIRST_STEP = 1
    """The first words of a live turn."""
    STEP = 2
    FILE = 3
    ABANDONED = 4
    """Nobody waits for it any more."""


class Flow(Protocol):
    """The items of one request, compared by identity."""

    @property
    def owner(self) -> str:
        """Whose request it is; never changes."""

    @property
    def rank(self) -> Rank:
        """May change at any time."""


class _Entry(NamedTuple, Generic[T]):
    key: Hashable
    item: T


class FairQueue(Generic[T]):
    """The lowest rank first; within a rank round-robin over owners, and over the flows of each. A batch
    starts with the flow whose turn it is and adds items of equal key, one per owner in turn, for as many
    rounds as there is room. It is of one rank: whatever joined it would make those wait who come first.

    Those just served, owners and flows, move behind all that wait at the next `take`, newcomers included, so
    that between two batches of a rank that an owner starts every other owner has had a turn in that rank, and
    likewise its flows.
    """

    def __init__(self) -> None:
        self._flows: dict[str, dict[Flow, list[_Entry[T]]]] = {}  # by owner, in the order of their turns
        # Owners in the order of their turns. Were it the same for all ranks, one who talks all day would come
        # last, time and again, with the files that wait meanwhile.
        self._turns: dict[Rank, dict[str, None]] = {rank: {} for rank in Rank}
        self._served: tuple[Flow, ...] = ()
        self._served_rank = Rank.FILE

    def __len__(self) -> int:
        return sum(len(entries) for _, entries in self._waiting())

    def count(self, rank: Rank) -> int:
        """How many items of this rank wait."""
        return sum(len(entries) for flow, entries in self._waiting() if flow.rank is rank)

    def first_rank(self, start: Rank = Rank.FINAL) -> Rank | None:
        """The lowest that waits, from `start` on; None if nothing does."""
        return min((flow.rank for flow, _ in self._waiting() if flow.rank >= start), default=None)

    def put(self, flow: Flow, key: Hashable, item: T) -> None:
        self._flows.setdefault(flow.owner, {}).setdefault(flow, []).append(_Entry(key, item))
        self._turns[flow.rank].setdefault(flow.owner)

    def take(self, limit: int, start: Rank = Rank.FINAL) -> list[T]:
        """The next batch: 1 to `limit` items, all of one key and of the lowest rank from `start` on, of which
        something must wait."""
        self._end_turns()
        rank = min(flow.rank for flow, _ in self._waiting() if flow.rank >= start)
        owners = self._in_turn(rank)
        key = next(entries[0].key for owner in owners for entries in self._of_rank(owner, rank).values())
        batch: list[T] = []
        served: dict[Flow, None] = {}
        while taken := list(islice(self._round(owners, rank, key), limit - len(batch))):
            served |= dict.fromkeys(flow for flow, _ in taken)
            batch += [item for _, item in taken]
        self._served, self._served_rank = tuple(served), rank
        return batch

    def take_all(self) -> list[T]:
        items = [entry.item for _, entries in self._waiting() for entry in entries]
        self._flows = {}
        return items

    def remove(self, flow: Flow, item: T) -> None:
        """Remove `item` if it is still queued."""
        entries = self._flows.get(flow.owner, {}).get(flow, [])
        entries[:] = [entry for entry in entries if entry.item is not item]
        self._drop_if_empty(flow)

    def _waiting(self) -> Iterator[tuple[Flow, list[_Entry[T]]]]:
        return (pair for flows in self._flows.values() for pair in flows.items())

    def _of_rank(self, owner: str, rank: Rank) -> dict[Flow, list[_Entry[T]]]:
        flows = self._flows.get(owner, {})
        return {flow: entries for flow, entries in flows.items() if flow.rank is rank}

    def _in_turn(self, rank: Rank) -> list[str]:
        """The owners of what waits in `rank`, in the order of their turns."""
        owners = (*self._turns[rank], *self._flows)  # the latter, since ranks change
        self._turns[rank] = {owner: None for owner in owners if self._of_rank(owner, rank)}
        return list(self._turns[rank])

    def _end_turns(self) -> None:
        turns = self._turns[self._served_rank]
        for flow in self._served:
            self._move_back(flow)
        for owner in dict.fromkeys(flow.owner for flow in self._served):
            if owner in turns:
                turns[owner] = turns.pop(owner)

    def _round(self, owners: Sequence[str], rank: Rank, key: Hashable) -> Iterator[tuple[Flow, T]]:
        """Takes an item of `key` from each owner in turn: from the first of its flows that has one."""
        for owner in owners:
            for flow, entries in self._of_rank(owner, rank).items():
                index = next((n for n, entry in enumerate(entries) if entry.key == key), None)
                if index is not None:
                    item = entries.pop(index).item
                    self._move_back(flow)  # the next round takes from another flow of this owner
                    self._drop_if_empty(flow)
                    yield flow, item
                    break

    def _move_back(self, flow: Flow) -> None:
        """Behind the other flows of its owner."""
        flows = self._flows.get(flow.owner, {})
        if flow in flows:
            flows[flow] = flows.pop(flow)

    def _drop_if_empty(self, flow: Flow) -> None:
        flows = self._flows.get(flow.owner, {})
        if not flows.get(flow, True):
            del flows[flow]
        if not flows:
            self._flows.pop(flow.owner, None)


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
