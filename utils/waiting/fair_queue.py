"""Fair queuing and batching for a model that many requests share. Pure: it knows no model."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

GROW_AFTER = 64  # full batches that fit before the limit is raised by one


class Flow(Protocol):
    """The items of one request, compared by identity."""

    @property
    def owner(self) -> str:
        """Whose request it is; never changes."""

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for it; may change at any time."""


class _Entry(NamedTuple, Generic[T]):
    key: Hashable
    item: T


class FairQueue(Generic[T]):
    """Round-robin over owners, and over the flows of each. A batch starts with the flow whose turn it is and
    adds items of equal key, one per owner in turn, for as many rounds as there is room. Abandoned flows are
    served only while no others wait.

    Those just served, owners and flows, move behind all that wait at the next `take`, newcomers included, so
    that between two batches that an owner starts every other owner has had a turn, and likewise its flows.
    """

    def __init__(self) -> None:
        # By owner, then by flow, both in the order of their turns.
        self._owners: dict[str, dict[Flow, list[_Entry[T]]]] = {}
        self._served: tuple[Flow, ...] = ()

    def __len__(self) -> int:
        return sum(len(entries) for flows in self._owners.values() for entries in flows.values())

    @property
    def num_awaited(self) -> int:
        """How many items are of flows that are not abandoned."""
        return sum(
            len(entries)
            for flows in self._owners.values()
            for flow, entries in flows.items()
            if not flow.is_abandoned
        )

    def put(self, flow: Flow, key: Hashable, item: T) -> None:
        self._owners.setdefault(flow.owner, {}).setdefault(flow, []).append(_Entry(key, item))

    def take(self, limit: int) -> list[T]:
        """The next batch: 1 to `limit` items, all of one key. The queue must not be empty."""
        self._end_turns(self._served)
        is_last_rank = not self.num_awaited
        key = next(
            entries[0].key
            for flows in self._owners.values()
            for flow, entries in flows.items()
            if is_last_rank or not flow.is_abandoned
        )
        batch: list[T] = []
        served: dict[Flow, None] = {}
        while taken := list(islice(self._round(key, is_last_rank), limit - len(batch))):
            served |= dict.fromkeys(flow for flow, _ in taken)
            batch += [item for _, item in taken]
        self._served = tuple(served)
        return batch

    def take_all(self) -> list[T]:
        owners, self._owners = self._owners, {}
        return [entry.item for flows in owners.values() for entries in flows.values() for entry in entries]

    def remove(self, flow: Flow, item: T) -> None:
        """Remove `item` if it is still queued."""
        entries = self._owners.get(flow.owner, {}).get(flow, [])
        entries[:] = [entry for entry in entries if entry.item is not item]
        self._drop_if_empty(flow)

    def _end_turns(self, served: tuple[Flow, ...]) -> None:
        for flow in served:
            self._move_back(flow)
        for owner in dict.fromkeys(flow.owner for flow in served):
            if flows := self._owners.pop(owner, None):
                self._owners[owner] = flows

    def _round(self, key: Hashable, is_last_rank: bool) -> Iterator[tuple[Flow, T]]:
        """Takes an item of `key` from each owner in turn: from the first of its flows that has one."""
        for flows in list(self._owners.values()):
            for flow, entries in flows.items():
                index = next((n for n, entry in enumerate(entries) if entry.key == key), None)
                if index is not None and (is_last_rank or not flow.is_abandoned):
                    item = entries.pop(index).item
                    self._move_back(flow)  # the next round takes from another flow of this owner
                    self._drop_if_empty(flow)
                    yield flow, item
                    break

    def _move_back(self, flow: Flow) -> None:
        """Behind the other flows of its owner."""
        flows = self._owners.get(flow.owner, {})
        if flow in flows:
            flows[flow] = flows.pop(flow)

    def _drop_if_empty(self, flow: Flow) -> None:
        flows = self._owners.get(flow.owner, {})
        if not flows.get(flow, True):
            del flows[flow]
        if not flows:
            self._owners.pop(flow.owner, None)


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
