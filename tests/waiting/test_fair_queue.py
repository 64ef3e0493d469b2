"""Whose turn it is, for any order of arrivals and departures."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.waiting.fair_queue import GROW_AFTER, BatchLimit, FairQueue
from utils.waiting.progress import Progress

OWNERS, KEYS = "ABC", "xy"
NAMES = [owner + number for owner in OWNERS for number in "12"]  # of flows: two for each owner


@dataclass(frozen=True, eq=False)
class Item:
    name: str
    key: str


put = st.builds(Item, st.sampled_from(NAMES), st.sampled_from(KEYS))
take = st.integers(1, 4)
remove = st.just("remove")
change = st.sampled_from(NAMES)  # is abandoned, or no longer
steps = st.lists(put | take | remove, max_size=60)
steps_with_changes = st.lists(put | take | remove | change, max_size=60)


class Queue:
    """A queue, and beside it what waits in it."""

    def __init__(self) -> None:
        self.queue: FairQueue[Item] = FairQueue()
        self.waiting: list[Item] = []
        self.flows = {name: Progress(name, name[0]) for name in NAMES}

    def apply(self, step: Item | int | str) -> list[Item]:
        """Returns the batch, if the step takes one."""
        if isinstance(step, Item):
            self.queue.put(self.flows[step.name], step.key, step)
            self.waiting.append(step)
        elif isinstance(step, int) and self.waiting:
            batch = self.queue.take(step)
            for item in batch:
                self.waiting.remove(item)
            return batch
        elif step == "remove" and self.waiting:
            gone = self.waiting.pop(len(self.waiting) // 2)
            self.queue.remove(self.flows[gone.name], gone)
        elif isinstance(step, str) and step in self.flows:
            self.flows[step].is_abandoned ^= True
        return []

    def awaited(self) -> list[Item]:
        return [item for item in self.waiting if not self.flows[item.name].is_abandoned]


@thorough
@given(steps_with_changes)
def test_nothing_is_lost_nor_taken_twice_and_what_is_removed_never_comes(
    plan: list[Item | int | str],
) -> None:
    queue = Queue()
    for step in plan:
        before = queue.awaited() or list(queue.waiting)
        if batch := queue.apply(step):
            assert isinstance(step, int)
            assert len({item.key for item in batch}) == 1
            same_key = [item for item in before if item.key == batch[0].key]
            assert len(batch) == min(step, len(same_key))  # nothing that fits is left out
            for item in batch:  # of a flow's items of one key the oldest comes first
                oldest = next(i for i in before if (i.name, i.key) == (item.name, item.key))
                assert item is oldest
                before.remove(item)
        assert len(queue.queue) == len(queue.waiting)
        assert queue.queue.num_awaited == len(queue.awaited())
    assert set(queue.queue.take_all()) == set(queue.waiting)


@thorough
@given(steps_with_changes)
def test_abandoned_flows_are_served_only_while_no_others_wait(plan: list[Item | int | str]) -> None:
    queue = Queue()
    for step in plan:
        others_wait = bool(queue.awaited())
        for item in queue.apply(step):
            assert queue.flows[item.name].is_abandoned is not others_wait


@thorough
@given(steps, st.sampled_from((0, 1)))
def test_between_two_batches_that_one_begins_everybody_who_waits_has_had_a_turn(
    plan: list[Item | int | str], level: int
) -> None:
    """At level 0 among the owners, at level 1 among the flows of each owner."""

    def whose(item: Item) -> str:
        return item.name if level else item.name[0]

    queue = Queue()
    passed_over: dict[str, set[str]] = {name: set() for name in NAMES + list(OWNERS)}
    for step in plan:
        batch = queue.apply(step)
        if not batch:
            continue
        leader = whose(batch[0])
        waiting = {whose(item) for item in queue.waiting}
        for one in passed_over:
            if one in map(whose, batch) or one not in waiting:
                passed_over[one].clear()
            elif not level or one[0] == leader[0]:
                assert leader not in passed_over[one], f"{leader} began twice while {one} waited"
                passed_over[one].add(leader)


def put_all(queue: FairQueue[str], flow: Progress, key: str, count: int) -> None:
    for n in range(count):
        queue.put(flow, key, f"{flow.request_id}{n}")


def test_new_flows_go_before_the_one_that_was_served_last() -> None:
    queue: FairQueue[str] = FairQueue()
    put_all(queue, Progress("long"), "x", 8)
    assert queue.take(4) == ["long0", "long1", "long2", "long3"]
    put_all(queue, Progress("short"), "y", 1)
    assert queue.take(4) == ["short0"]
    assert queue.take(2) == ["long4", "long5"]


def test_a_batch_is_shared_out_among_the_flows() -> None:
    queue: FairQueue[str] = FairQueue()
    for name, count in (("A", 5), ("B", 1), ("C", 5)):
        put_all(queue, Progress(name), "x", count)
    assert queue.take(6) == ["A0", "B0", "C0", "A1", "C1", "A2"]


def test_an_owner_of_many_requests_has_no_more_turns_than_an_owner_of_one() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(30):
        put_all(queue, Progress(f"many {number} ", "many"), "x", 2)
    put_all(queue, Progress("one ", "one"), "y", 3)
    assert [queue.take(1)[0] for _ in range(6)] == [
        "many 0 0", "one 0", "many 1 0", "one 1", "many 2 0", "one 2",
    ]  # fmt: skip
    put_all(queue, Progress("one ", "one"), "x", 2)
    assert queue.take(4) == ["many 3 0", "one 0", "many 4 0", "one 1"]


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
