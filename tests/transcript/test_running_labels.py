"""Labels that are announced while a recording goes on."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models import ChunkPart, ChunkSpeakers, Embedding, KnownVoice, KnownVoices, Segment, Voice, seconds
from options import SpeakerCount, TranscriptionOptions
from tests.builders import chunks, result, segment, thorough, turn, words
from utils.speakers.embedding import pack
from utils.speakers.labels import speaker_label
from utils.transcript.events import Announced, Event, Finished, Settled
from utils.transcript.running_labels import RunningSpeakers
from utils.transcript.running_transcript import RunningTranscript

ANN, BOB = pack([1, 0]), pack([0, 1])
HALFWAY = pack([0.8, 0.6])  # of the two, nearer to Ann


def speaking(*said: tuple[float, float, Embedding]) -> ChunkSpeakers:
    """(start, stop, voice) of people who are each heard once in a chunk."""
    turns = [turn(start, stop, number) for number, (start, stop, _) in enumerate(said)]
    voices = [Voice(number, seconds(stop - start), voice) for number, (start, stop, voice) in enumerate(said)]
    return ChunkSpeakers(tuple(turns), tuple(voices), same_voice=0.7)


def events_of(
    heard: list[ChunkSpeakers], said: list[list[Segment]], known: KnownVoices | None = None
) -> list[Event]:
    """Events of a recording in chunks of 100 s."""
    options = TranscriptionOptions(diarize=True, known=known or KnownVoices())
    running = RunningTranscript(options, Path())
    events: list[Event] = []
    cut = chunks([100.0 * n for n in range(len(heard) + 1)], 5)
    for chunk, speakers, segments in zip(cut, heard, said, strict=True):
        events += running.take(chunk, ChunkPart(tuple(segments), chunk.heard.stop))
        events += running.take(chunk, result(chunk, segments, speakers))
    return events + running.finish()


def labels(events: list[Event]) -> list[str]:
    announced = [event for event in events if isinstance(event, Announced)]
    return [event.labels[part.speaker or 0] for event in announced for part in event.segments]


def one_word(at: float) -> list[Segment]:
    return [segment(words("Yes.", start=at))]


def test_who_comes_back_keeps_the_label() -> None:
    heard = [speaking((10, 40, ANN), (50, 80, BOB)), speaking((120, 150, BOB)), speaking((220, 250, ANN))]
    events = events_of(heard, [[*one_word(20), *one_word(60)], one_word(130), one_word(230)])
    assert labels(events) == ["A", "B", "B", "A"]


def test_a_label_is_kept_to_the_end_and_the_end_says_whose_it_was() -> None:
    """A voice between two that only the recording as a whole brings together."""
    far, near = pack([0.5, 0.866]), pack([0.9, 0.436])
    heard = [speaking((10, 20, ANN)), speaking((110, 190, far)), speaking((210, 290, near))]
    events = events_of(heard, [one_word(15), one_word(150), one_word(250)])
    finished = events[-1]
    assert isinstance(finished, Finished)
    final = [speaker_label(part.speaker or 0) for part in finished.transcript.segments]
    assert [finished.speaker_map.get(label, label) for label in labels(events)] == final
    assert len(set(labels(events))) == 2


def test_known_names_are_announced_as_soon_as_they_are_known() -> None:
    known = KnownVoices((KnownVoice("Bob", BOB), KnownVoice("A", pack([0.6, -0.8]))), 0.9)
    heard = [speaking((10, 40, ANN)), speaking((120, 150, BOB))]
    events = events_of(heard, [one_word(20), one_word(130)], known)
    assert labels(events) == ["B", "Bob"]
    assert isinstance(events[-1], Finished)
    assert events[-1].speaker_map == {"B": "A"}  # nobody was that A, and so the letter is free in the end


def test_what_is_said_before_anyone_is_known_goes_with_the_first() -> None:
    events = events_of(
        [speaking((50, 80, ANN), (85, 94, BOB))], [[*one_word(5), *one_word(60), *one_word(90)]]
    )
    assert labels(events) == ["A", "A", "B"]


voices = st.sampled_from([ANN, BOB, HALFWAY, pack([-1, 0]), pack([0, -1])])
some = st.lists(voices, max_size=3, unique=True)


@thorough
@given(st.lists(some, max_size=8), st.none() | st.integers(3, 4))
def test_speakers_of_one_chunk_stay_apart_and_none_is_over_the_count(
    heard: list[list[Embedding]], most: int | None
) -> None:
    running = RunningSpeakers(most)
    seen: set[int] = set()
    for index, chunk in enumerate(heard):
        said = [(100.0 * index + 10 * n, 100.0 * index + 10 * n + 8, v) for n, v in enumerate(chunk)]
        numbers = running.add(speaking(*said))
        assert len(set(numbers.values())) == len(numbers) == len(chunk)
        seen |= set(numbers.values())
    assert seen == set(range(len(seen)))
    assert most is None or len(seen) <= most


def test_the_count_is_obeyed() -> None:
    running = RunningSpeakers(SpeakerCount(2, 2).maximum)
    running.add(speaking((10, 40, ANN), (50, 80, BOB)))
    assert running.add(speaking((110, 120, pack([-1, 0])))) in ({0: 0}, {0: 1})


def test_settled_text_is_announced_whole() -> None:
    events = events_of([speaking((10, 40, ANN))] * 2, [one_word(20), one_word(130)])
    settled = [part.text for event in events if isinstance(event, Settled) for part in event.segments]
    announced = [part.text for event in events if isinstance(event, Announced) for part in event.segments]
    assert settled == announced == [" Yes.", " Yes."]
