"""Jobs take turns by batch and owner: start-time fair queuing over time."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.store.records import Job
from utils.store.sqlite import job_rows
from utils.store.sqlite.schema import MIGRATIONS

Flow = str


class Queue:
    """The queue of jobs alone, in memory; a flow is an owner with single jobs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        for script in MIGRATIONS:
            connection.executescript(script)
        self._connection = connection
        self._ids = map(str, count())
        self.waiting = Counter[Flow]()

    def add(self, flow: Flow, jobs: int = 1) -> None:
        self.waiting[flow] += jobs
        lines = [Job(next(self._ids), owner=flow, endpoint="", request="") for _ in range(jobs)]
        job_rows.add(self._connection, lines, now=0)

    def serve(self) -> Flow | None:
        """Claim a job and complete it."""
        job = job_rows.claim(self._connection, now=0)
        if job is None:
            return None
        job_rows.complete(self._connection, job.id, 1, now=0, expires=1e9)
        self.waiting[job.owner] -= 1
        return job.owner


@contextmanager
def queue() -> Iterator[Queue]:
    connection = sqlite3.connect(":memory:")
    try:
        yield Queue(connection)
    finally:
        connection.close()


def test_an_owner_of_finished_jobs_waits_no_longer_than_a_new_one() -> None:
    with queue() as jobs:
        jobs.add("regular", 300)
        while jobs.serve():
            pass
        jobs.add("batch", 1000)
        jobs.add("regular")
        assert "regular" in [jobs.serve() for _ in range(2)]


def test_an_idle_server_does_not_give_newcomers_the_turns_they_missed() -> None:
    with queue() as jobs:
        jobs.add("early", 100)
        while jobs.serve():
            pass
        jobs.add("early", 10)
        jobs.add("late", 10)
        served = [jobs.serve() for _ in range(10)]
        assert served.count("early") == served.count("late") == 5


steps = st.lists(
    st.one_of(
        st.none(),  # serve one
        st.tuples(st.sampled_from("abc"), st.integers(1, 5)),  # a flow queues so many
    ),
    max_size=60,
)


@thorough
@given(steps)
def test_while_two_flows_wait_neither_gets_more_than_two_jobs_ahead(
    taken: list[tuple[str, int] | None],
) -> None:
    """Theorem 1 of Goyal, Vin and Cheng, for jobs of length one: however the jobs came, in any interval in
    which two flows both wait, what they are served differs by at most two."""
    with queue() as jobs:
        ahead = dict.fromkeys((("a", "b"), ("b", "c"), ("a", "c")), (0, 0, 0))  # now, least and most so far
        for step in taken:
            if step is not None:
                jobs.add(*step)
                continue
            both = {pair for pair in ahead if jobs.waiting[pair[0]] and jobs.waiting[pair[1]]}
            served = jobs.serve()
            for pair in ahead:
                if pair not in both:
                    ahead[pair] = (0, 0, 0)
                    continue
                now, least, most = ahead[pair]
                now += (served == pair[0]) - (served == pair[1])
                ahead[pair] = now, min(least, now), max(most, now)
                assert max(most, now) - min(least, now) <= 2
