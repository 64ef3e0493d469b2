"""Whose turn it is, for any order of arrivals and departures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.waiting.fair_queue import GROW_AFTER, BatchLimit, FairQueue

OWNERS, KEYS = "ABCD", "xy"


@dataclass(frozen=True, eq=False)
class Item:
    owner: str
    key: str


put = st.builds(Item, st.sampled_from(OWNERS), st.sampled_from(KEYS))
take = st.integers(1, 4)
remove = st.just("remove")
steps = st.lists(put | take | remove, max_size=60)


@thorough
@given(steps)
def test_nothing_is_lost_nor_taken_twice_and_what_is_removed_never_comes(
    plan: list[Item | int | str],
) -> None:
    queue: FairQueue[Item] = FairQueue()
    waiting: list[Item] = []
    for step in plan:
        if isinstance(step, Item):
            queue.put(step.owner, step.key, step)
            waiting.append(step)
        elif isinstance(step, int) and waiting:
            batch = queue.take(step)
            assert 1 <= len(batch) <= step
            assert len({item.key for item in batch}) == 1
            same_key = [item for item in waiting if item.key == batch[0].key]
            assert len(batch) == min(step, len(same_key))  # nothing that fits is left out
            for item in batch:  # of an owner's items of one key the oldest comes first
                oldest = next(i for i in waiting if (i.owner, i.key) == (item.owner, item.key))
                assert item is oldest
                waiting.remove(item)
        elif waiting:
            gone = waiting.pop(len(waiting) // 2)
            queue.remove(gone.owner, gone)
        assert len(queue) == len(waiting)
    assert set(queue.take_all()) == set(waiting)


@thorough
@given(steps)
def test_between_two_batches_that_an_owner_begins_everybody_who_waits_has_had_a_turn(
    plan: list[Item | int | str],
) -> None:
    queue: FairQueue[Item] = FairQueue()
    lines: dict[str, deque[Item]] = {owner: deque() for owner in OWNERS}
    passed_over: dict[str, set[str]] = {owner: set() for owner in OWNERS}  # led since the owner was served
    for step in plan:
        if isinstance(step, Item):
            queue.put(step.owner, step.key, step)
            lines[step.owner].append(step)
        elif isinstance(step, int) and len(queue):
            batch = queue.take(step)
            leader = batch[0].owner
            for item in batch:
                lines[item.owner].remove(item)
            served = {item.owner for item in batch}
            for owner in OWNERS:
                if owner in served or not lines[owner]:
                    passed_over[owner].clear()
                else:
                    assert leader not in passed_over[owner], f"{leader} began twice while {owner} waited"
                    passed_over[owner].add(leader)


def test_new_owners_go_before_the_one_that_was_served_last() -> None:
    queue: FairQueue[str] = FairQueue()
    for n in range(8):
        queue.put("long", "x", f"long {n}")
    assert queue.take(4) == ["long 0", "long 1", "long 2", "long 3"]
    queue.put("short", "y", "short")
    assert queue.take(4) == ["short"]
    assert queue.take(2) == ["long 4", "long 5"]


def test_a_batch_is_shared_out_among_the_owners() -> None:
    queue: FairQueue[str] = FairQueue()
    for owner, count in (("A", 5), ("B", 1), ("C", 5)):
        for n in range(count):
            queue.put(owner, "x", f"{owner}{n}")
    assert queue.take(6) == ["A0", "B0", "C0", "A1", "C1", "A2"]


def test_the_limit_halves_and_comes_back_after_a_calm_while() -> None:
    limit = BatchLimit(16)
    limit.overflowed(16)
    assert limit.size == 8
    for _ in range(GROW_AFTER):
        limit.fitted(3)  # says nothing about eight
    assert limit.size == 8
    for _ in range(GROW_AFTER * 20):
        limit.fitted(limit.size)
    assert limit.size == 16
    limit.overflowed(1)
    assert limit.size == 1
