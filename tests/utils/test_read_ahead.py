"""What is read before it is needed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from utils.process.read_ahead import ReadAhead


class Reader:
    """Counts its calls and remembers their threads."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.has_read = threading.Event()

    def __call__(self) -> int:
        self.threads.append(threading.get_ident())
        self.has_read.set()
        return len(self.threads)


def test_a_result_is_there_before_it_is_asked_for_and_read_once() -> None:
    reader = Reader()
    with ReadAhead(1, 1).reading(reader) as result:
        assert reader.has_read.wait(10)
        assert [result(), result()] == [1, 1]
    assert threading.get_ident() not in reader.threads


def test_beyond_the_limit_it_is_read_where_it_is_used() -> None:
    ahead, late = ReadAhead(2, 1), Reader()
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(ahead.reading(Reader()))
        result = stack.enter_context(ahead.reading(late))
        result()
        assert late.threads == [threading.get_ident()]
    with ahead.reading(again := Reader()) as result:
        result()
    assert threading.get_ident() not in again.threads


def test_what_fails_fails_where_it_is_used() -> None:
    def fail() -> None:
        raise OSError("gone")

    with ReadAhead(1, 1).reading(fail) as result, pytest.raises(OSError, match="gone"):
        result()


def test_who_waits_for_what_is_given_up_is_not_cancelled() -> None:
    """A lane of the model may wait for the window of a caller who leaves. The CancelledError of futures would
    become that of asyncio there, as if the lane itself were to end."""
    ahead, busy = ReadAhead(2, 1), threading.Event()
    with ThreadPoolExecutor(1) as lane, ahead.reading(lambda: busy.wait(10)):
        with ahead.reading(Reader()) as result:
            waiting = lane.submit(result)
        try:
            assert waiting.result(10) == 1
        finally:
            busy.set()
