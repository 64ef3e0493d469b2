"""How far a transcription has come."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.waiting.progress import Progress


@thorough
@given(st.integers(1, 1000), st.lists(st.integers(0, 2000)))
def test_progress_never_goes_back_nor_beyond_the_end(total: int, reached: list[int]) -> None:
    progress = Progress("a")
    progress.expect(total)
    for sample in reached:
        before = progress.done
        progress.reach(sample)
        assert progress.done == max(before, min(sample, total))
        assert 0 <= progress.fraction <= 1


def test_progress_before_the_length_is_known_is_none() -> None:
    assert Progress("a").fraction == 0


def test_every_tenth_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress("job")
    progress.expect(160_000)
    with caplog.at_level(logging.INFO):
        for sample in [*range(0, 160_001, 800), 1000, 160_000]:
            progress.reach(sample)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 10
    assert lines[4] == "job: 5 of 10 s done (50 %)"
