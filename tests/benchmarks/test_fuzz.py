"""The damage done to files, and the judgement of what the server made of them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.files.fuzz.campaign import GOOD_EVERY, SEPARATE, Campaign
from benchmarks.files.fuzz.checks import bounded, check_equal, check_memory, check_replies, check_table
from benchmarks.files.fuzz.mutations import MAX_BYTES, MUTATIONS, mutate, resize, splice
from benchmarks.files.fuzz.seeds import Seed
from benchmarks.files.fuzz.traffic import NO_ANSWER, Reply

SEEDS = [Seed("wav/pcm", b"RIFF\x24\0\0\0WAVEdata" + bytes(99)), Seed("ogg/opus", b"OggS" + bytes(200))]


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=300), st.integers(0, 2**32))
def test_a_mutant_is_never_empty_and_always_the_same(data: bytes, other: bytes, seed: int) -> None:
    mutant = mutate(Random(seed), data, other)
    assert mutant == mutate(Random(seed), data, other)
    assert 0 < len(mutant[0]) <= MAX_BYTES


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_mutation_changes_something(mutation: object) -> None:
    data = SEEDS[0].data * 20
    assert callable(mutation)
    assert any(mutation(Random(seed), data) != data for seed in range(10))


def test_a_size_is_edited_without_moving_the_rest() -> None:
    data = b"RIFF\x10\0\0\0WAVE"
    edited = {resize(Random(seed), data) for seed in range(50)}
    assert {len(mutant) for mutant in edited} == {len(data)}
    assert any(mutant.startswith(b"RIFF\xff\xff\xff\xff") for mutant in edited)


def test_a_splice_holds_parts_of_both_files() -> None:
    joined = [splice(Random(seed), b"a" * 600, b"b" * 600) for seed in range(20)]
    assert b"a" * 600 + b"b" * 600 in joined
    assert len({len(one) for one in joined}) > 5


def test_the_cases_of_a_campaign_stay_the_same() -> None:
    first, second = (Campaign(SEEDS, SEEDS, 7) for _ in range(2))
    assert [first.case(n) for n in range(200)] == [second.case(n) for n in range(200)]
    assert any(first.case(n).upload.fields == SEPARATE for n in range(50))
    assert first.case(1) != Campaign(SEEDS, SEEDS, 8).case(1)


def test_a_good_file_comes_after_every_hundredth_case() -> None:
    campaign = Campaign(SEEDS, SEEDS[:1], 1)
    assert campaign.case(GOOD_EVERY - 1).upload.data == SEEDS[0].data
    assert not campaign.is_good(GOOD_EVERY)
    assert not Campaign(SEEDS, [], 1).is_good(GOOD_EVERY - 1)


def test_failures_slow_answers_and_refused_good_files_are_found() -> None:
    replies = [
        Reply(1, 200, 0.0, 1.0, ""),
        Reply(2, 500, 0.0, 1.0, ""),
        Reply(3, NO_ANSWER, 0.0, 1.0, ""),
        Reply(4, 400, 0.0, 10.5, ""),
    ]
    failed, slow, refused = check_replies(replies, frozenset({1, 4}))
    assert (failed.cases, slow.cases, refused.cases) == ((2, 3), (4,), (4,))
    assert not any(check.is_met for check in (failed, slow, refused))
    assert all(check.is_met for check in check_replies(replies[:1], frozenset({1})))


def test_growth_is_blamed_on_the_cases_that_ran() -> None:
    replies = [Reply(1, 200, 0.0, 1.0, ""), Reply(2, 200, 1.5, 3.0, ""), Reply(3, 200, 2.0, 4.0, "")]
    grown = check_memory("server", 100, bounded(100) + 1, replies, [2.5])
    assert (grown.is_met, grown.cases) == (False, (2, 3))
    assert check_memory("server", 100, bounded(100), replies, []).is_met


def test_the_table_names_what_is_broken() -> None:
    text = check_table([check_equal("workspaces", 0, 1), check_equal("files", 2, 2)])
    assert "| workspaces | 0 | 1 | BROKEN |" in text
    assert "| files | 2 | 2 | met |" in text
