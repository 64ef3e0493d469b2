"""Answers of any length are made in blocks, no further than they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Segment, Transcript
from options import Granularity, ResponseFormat
from tests.builders import segment, thorough, words
from utils.answers.text_pieces import Stripper
from utils.answers.wire import AnswerForm
from utils.response_formatter import BLOCK, in_blocks, render
from utils.transcript.events import Finished, Settled, events_of
from utils.transcript.wire_events import WireEvents

LENGTH = 3000
TALK = [
    segment(words("This is a sentence of some length, as people say it.", 5.0 * n)) for n in range(LENGTH)
]
FORMS = [AnswerForm(form, frozenset(Granularity)) for form in ResponseFormat]


class CountedSegments(Sequence[Segment]):
    """Counts how many are read."""

    def __init__(self) -> None:
        self.read = 0

    def __len__(self) -> int:
        return LENGTH

    def __iter__(self) -> Iterator[Segment]:
        for spoken in TALK:
            self.read += 1
            yield spoken

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        raise AssertionError("one by one is slow: every access decodes a page")


def long() -> tuple[Transcript, CountedSegments]:
    segments = CountedSegments()
    return Transcript("en", 1, segments), segments


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.format)
def test_no_block_is_large(form: AnswerForm) -> None:
    blocks = [len(block) for block in render(long()[0], form)[0]]
    assert len(blocks) > 2
    assert max(blocks) < BLOCK + 1000


def test_nor_are_those_of_the_last_event_of_a_stream() -> None:
    (done,) = WireEvents(AnswerForm()).convert(Finished(long()[0], {}))
    blocks = [len(block) for block in in_blocks(done.pieces)]
    assert len(blocks) > 2
    assert max(blocks) < BLOCK + 1000


@pytest.mark.parametrize("form", [ResponseFormat.JSON, ResponseFormat.VERBOSE_JSON, ResponseFormat.TEXT])
def test_segments_are_read_as_blocks_are_taken(form: ResponseFormat) -> None:
    transcript, segments = long()
    blocks, _ = render(transcript, AnswerForm(form))
    assert segments.read == 0
    next(blocks)
    assert segments.read < LENGTH / 2


def test_events_of_a_transcript_read_a_page_at_a_time() -> None:
    transcript, segments = long()
    events = events_of(transcript)
    first = next(events)
    assert isinstance(first, Settled)
    assert segments.read == len(first.segments)
    assert sum(1 for event in events if isinstance(event, Settled)) == LENGTH // len(first.segments) - 1
    assert segments.read == LENGTH


@thorough
@given(st.lists(st.text(" \n\u3000ab", max_size=4)))
def test_a_text_in_pieces_is_stripped_as_a_whole(pieces: list[str]) -> None:
    stripper = Stripper()
    assert "".join(stripper.feed(piece) for piece in pieces) == "".join(pieces).strip()
