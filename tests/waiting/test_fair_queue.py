"""Whose turn it is, for any order of arrivals and departures."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.waiting.fair_queue import GROW_AFTER, BatchLimit, FairQueue, Rank
from utils.waiting.progress import Progress

OWNERS, KEYS = "ABC", "xy"
RANKS = {"1": Rank.FILE, "2": Rank.FILE, "3": Rank.STEP, "4": Rank.STEP, "5": Rank.FINAL}
NAMES = [owner + number for owner in OWNERS for number in RANKS]  # of flows: five for each owner


@dataclass(eq=False)
class Ranked:
    """A flow."""

    owner: str
    rank: Rank


@dataclass(frozen=True, eq=False)
class Item:
    name: str
    key: str


put = st.builds(Item, st.sampled_from(NAMES), st.sampled_from(KEYS))
take = st.integers(1, 4)
remove = st.just("remove")
change = st.tuples(st.sampled_from(NAMES), st.sampled_from(Rank))
Step = Item | int | str | tuple[str, Rank]
steps: st.SearchStrategy[list[Step]] = st.lists(put | take | remove, max_size=60)
steps_with_changes: st.SearchStrategy[list[Step]] = st.lists(put | take | remove | change, max_size=60)


class Queue:
    """A queue, and beside it what waits in it."""

    def __init__(self) -> None:
        self.queue: FairQueue[Item] = FairQueue()
        self.waiting: list[Item] = []
        self.flows = {name: Ranked(name[0], RANKS[name[1]]) for name in NAMES}

    def apply(self, step: Step) -> list[Item]:
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
        elif isinstance(step, tuple):
            name, rank = step
            self.flows[name].rank = rank
        return []

    def rank(self, item: Item) -> Rank:
        return self.flows[item.name].rank

    def first(self) -> list[Item]:
        """What waits in the lowest rank."""
        lowest = min(map(self.rank, self.waiting), default=None)
        return [item for item in self.waiting if self.rank(item) is lowest]


@thorough
@given(steps_with_changes)
def test_nothing_is_lost_nor_taken_twice_and_what_is_removed_never_comes(plan: list[Step]) -> None:
    queue = Queue()
    for step in plan:
        before = queue.first()
        if batch := queue.apply(step):
            assert isinstance(step, int)
            assert len({item.key for item in batch}) == 1
            same_key = [item for item in before if item.key == batch[0].key]
            assert len(batch) == min(step, len(same_key))  # nothing of its rank that fits is left out
            for item in batch:  # of a flow's items of one key the oldest comes first
                oldest = next(i for i in before if (i.name, i.key) == (item.name, item.key))
                assert item is oldest
                before.remove(item)
        assert len(queue.queue) == len(queue.waiting)
        for rank in Rank:
            assert queue.queue.count(rank) == sum(queue.rank(item) is rank for item in queue.waiting)
    assert set(queue.queue.take_all()) == set(queue.waiting)


@thorough
@given(steps_with_changes, st.sampled_from(Rank))
def test_the_lowest_rank_comes_first_from_any_rank_on(plan: list[Step], start: Rank) -> None:
    queue = Queue()
    for step in plan:
        ranks = [rank for rank in map(queue.rank, queue.waiting) if rank >= start]
        assert queue.queue.first_rank(start) == min(ranks, default=None)
        if isinstance(step, int) and ranks:
            batch = queue.queue.take(step, start)
            queue.waiting = [item for item in queue.waiting if item not in batch]
            assert {queue.rank(item) for item in batch} == {min(ranks)}
        elif not isinstance(step, int):
            queue.apply(step)


@thorough
@given(steps, st.sampled_from((0, 1)))
def test_between_two_batches_that_one_begins_everybody_who_waits_has_had_a_turn(
    plan: list[Step], level: int
) -> None:
    """In each rank: at level 0 among the owners, at level 1 among the flows of each owner."""
    queue = Queue()

    def whose(item: Item) -> tuple[Rank, str]:
        return queue.rank(item), item.name if level else item.name[0]

    passed_over: dict[tuple[Rank, str], set[str]] = {
        (rank, name): set() for rank in Rank for name in NAMES + list(OWNERS)
    }
    for step in plan:
        batch = queue.apply(step)
        if not batch:
            continue
        rank, leader = whose(batch[0])
        waiting = set(map(whose, queue.waiting))
        for one, leaders in passed_over.items():
            if one in map(whose, batch) or one not in waiting:
                leaders.clear()
            elif one[0] is rank and (not level or one[1][0] == leader[0]):
                assert leader not in leaders, f"{leader} began twice while {one} waited"
                leaders.add(leader)


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


def test_who_talks_all_day_loses_no_turn_of_the_files_that_wait() -> None:
    queue: FairQueue[str] = FairQueue()
    talk = Ranked("busy", Rank.STEP)
    put_all(queue, Progress("quiet ", "quiet"), "x", 3)
    put_all(queue, Progress("busy ", "busy"), "x", 3)
    taken = []
    for _ in range(4):
        queue.put(talk, "x", "step")
        taken += [*queue.take(1), *queue.take(1)]
    assert taken[1::2] == ["quiet 0", "busy 0", "quiet 1", "busy 1"]


def test_work_that_nobody_waits_for_any_more_comes_last() -> None:
    queue: FairQueue[str] = FairQueue()
    left, other = Progress("left "), Progress("other ")
    put_all(queue, left, "x", 2)
    put_all(queue, other, "x", 1)
    left.is_abandoned = True
    assert [queue.take(3), queue.take(3)] == [["other 0"], ["left 0", "left 1"]]


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
