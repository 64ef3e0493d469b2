"""The transcripts of channels as one, and what leaked from one channel into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from models import Span, SpokenLanguage, Transcript, Word
from tests.builders import segment, thorough, transcript, words
from utils.transcript.channel_merger import ChannelMerger
from utils.transcript.crosstalk import BLEED, ChannelSegment, Loudness, without_crosstalk


def equally_loud(channel: int, span: Span) -> float:
    return 1.0


def quieter_on_the_right(channel: int, span: Span) -> float:
    return [1.0, 0.4][channel]


def quieter_by_turns(channel: int, span: Span) -> float:
    return 1.0 if (span.start // 8000 + channel) % 3 else 0.3


def merged(channels: Sequence[Transcript], loudness: Loudness, has_speakers: bool = True) -> Transcript:
    with TemporaryDirectory() as folder:
        merger = ChannelMerger(channels, loudness, has_speakers, Path(folder))
        while (whole := merger.step()) is None:
            pass
    return whole


def spoken(result: Transcript) -> list[tuple[int | None, str]]:
    return [(segment.speaker, segment.text.strip()) for segment in result.segments]


def test_what_leaked_is_transcribed_once() -> None:
    left = transcript([segment(words("how can I help you"))])
    right = transcript([segment(words("can I uh help", start=0.45))])
    assert spoken(merged([left, right], quieter_on_the_right)) == [
        (0, "how can I help you"),
        (1, "uh help"),  # `help` comes a word too late
    ]
    assert spoken(merged([left, right], equally_loud)) == [(0, "how can I help you"), (1, "can I uh help")]


def test_a_channel_that_only_leaks_says_nothing() -> None:
    left = transcript([segment(words("good morning"))])
    whole = merged([left, left], quieter_on_the_right)
    assert spoken(whole) == [(0, "good morning")]
    assert {turn.speaker for turn in whole.turns} == {0}


texts = st.lists(st.tuples(st.floats(0, 50), st.sampled_from(["yes", "no yes", "a b c"])), max_size=5)
calls = st.lists(texts, min_size=2, max_size=4).map(
    lambda channels: [
        transcript(segment(words(text, start)) for start, text in sorted(said)) for said in channels
    ]
)


@thorough
@given(calls, st.booleans())
def test_nothing_said_as_loud_is_lost(channels: list[Transcript], has_speakers: bool) -> None:
    whole = merged(channels, equally_loud, has_speakers)
    said = [
        (number if has_speakers else None, word.start, word.text)
        for number, of in enumerate(channels)
        for word in of.words
    ]
    assert Counter((word.speaker, word.start, word.text) for word in whole.words) == Counter(said)


@thorough
@given(calls)
def test_what_remains_is_that_of_all_words_compared_and_sorted(channels: list[Transcript]) -> None:
    whole = merged(channels, quieter_by_turns)
    expected = [
        (number, word.start, word.text)
        for number, of in enumerate(channels)
        for word in of.words
        if not any(leaks(word, number, other, n) for n, of in enumerate(channels) for other in of.words)
    ]
    assert Counter((word.speaker, word.start, word.text) for word in whole.words) == Counter(expected)
    places = [(segment.start, segment.stop) for segment in whole.segments]
    assert places == sorted(places)
    turns = [(turn.start, turn.stop) for turn in whole.turns]
    assert turns == sorted(turns)


def leaks(word: Word, channel: int, other: Word, of: int) -> bool:
    shared = min(word.stop, other.stop) - max(word.start, other.start)
    span = Span(word.start, word.stop)
    return (
        channel != of
        and word.text == other.text
        and shared > 0
        and 2 * shared >= min(word.stop - word.start, other.stop - other.start)
        and quieter_by_turns(channel, span) <= BLEED * quieter_by_turns(of, span)
    )


def test_a_recording_is_read_no_further_than_its_overlaps_need() -> None:
    """However long it is, a few segments are held at once."""
    read = 0

    def segments() -> Iterator[ChannelSegment]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield ChannelSegment(number % 2, segment(words(f"It is {number}.", start=float(number))))

    ahead = [read - done for done, _ in enumerate(without_crosstalk(segments(), equally_loud))]
    assert max(ahead) < 10


def test_the_language_is_that_of_the_channel_that_says_most() -> None:
    said = [segment(words("guten Morgen"))]
    channels = [Transcript(None, 16_000, ()), Transcript("de", 16_000, said)]
    assert merged(channels, equally_loud).language == "de"
    english = SpokenLanguage("en", 16_000)
    several = [
        replace(channels[0], languages=(english,)),
        replace(channels[1], languages=(SpokenLanguage("de", 12_000), SpokenLanguage("en", 8_000))),
    ]
    assert merged(several, equally_loud).language == "en"
    assert merged(several, equally_loud).languages == (
        SpokenLanguage("en", 24_000),
        SpokenLanguage("de", 12_000),
    )
