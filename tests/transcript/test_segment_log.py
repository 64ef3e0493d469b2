"""Segments and transcripts of any length, in memory and on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from models import ChunkPart, ChunkSpeakers, Segment, SpeakerTurn, Transcript, Voice, seconds
from options import SpeakerCount, TranscriptionOptions
from tests.builders import chunks, result, segment, turn, words
from utils.chunk_merger import merge
from utils.speakers.embedding import pack
from utils.transcript.codec import encode, encode_segments
from utils.transcript.events import Finished, Settled
from utils.transcript.lines import END, read_transcript, write_transcript
from utils.transcript.running_transcript import RunningTranscript
from utils.transcript.segment_log import MAX_IN_MEMORY, PAGE, SegmentLog

TALK = [segment(words(f"Number {n}.", start=n)) for n in range(MAX_IN_MEMORY + 7)]


@pytest.mark.parametrize("lengths", [(), (3,), (PAGE,), (2, PAGE, 1), (2 * PAGE - 1, 1, 0, 5)])
def test_it_holds_what_it_was_given(tmp_path: Path, lengths: Sequence[int]) -> None:
    rest = iter(TALK)
    log = SegmentLog(tmp_path)
    for length in lengths:
        log.extend(islice(rest, length))
    given = TALK[: sum(lengths)]
    assert list(log) == list(log) == given
    assert len(log) == len(given)
    assert log[PAGE - 2 : PAGE + 2] == given[PAGE - 2 : PAGE + 2]
    assert log[-1:] == given[-1:]


def test_short_ones_touch_no_disk(tmp_path: Path) -> None:
    assert len(SegmentLog(tmp_path / "missing", TALK[: PAGE - 1])) == PAGE - 1
    with pytest.raises(FileNotFoundError):
        SegmentLog(tmp_path / "missing", TALK[:PAGE])


def test_the_file_has_no_name(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, TALK)
    assert not list(tmp_path.iterdir())
    assert list(log) == TALK


@pytest.mark.parametrize("length", [0, 1, PAGE, len(TALK)])
def test_a_transcript_comes_back_as_it_was(tmp_path: Path, length: int) -> None:
    made = Transcript("en", seconds(3), TALK[:length], (turn(0, 1, 0),), names=("Ann",))
    lines = list(write_transcript(made))
    assert whole(read_transcript(lines, tmp_path)) == whole(made)
    for cut in range(len(lines)):
        with pytest.raises(ValueError, match=r"missing|validation error"):
            read_transcript(lines[:cut], tmp_path)


def test_transcripts_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """Their turns stand in the first line."""
    made = Transcript("en", seconds(3), TALK[:3], (turn(0, 1, 0), turn(1, 2, 1)))
    stored = [encode(replace(made, segments=())) + b"\n", encode_segments(made.segments), END]
    assert whole(read_transcript(stored, tmp_path)) == whole(made)


def test_many_turns_are_not_one_line(tmp_path: Path) -> None:
    made = Transcript("en", seconds(3), TALK[:3], tuple(turn(n, n + 1, n % 2) for n in range(2500)))
    lines = list(write_transcript(made))
    assert max(map(len, lines)) < 100_000
    assert whole(read_transcript(lines, tmp_path)) == whole(made)


def test_a_long_recording_is_merged_as_if_in_memory(tmp_path: Path) -> None:
    """Of two people who take turns sentence by sentence, over chunks that share nothing."""
    cut = chunks([0.0, *range(400, 2000, 400)], 0)
    running = RunningTranscript(TranscriptionOptions(diarize=True), tmp_path)
    events, results = [], []
    for chunk in cut:
        said = [part for part in TALK if chunk.start <= part.start < chunk.stop]
        results.append(result(chunk, said, _speakers(said, chunk.index)))
        events += running.take(chunk, ChunkPart(tuple(said), chunk.stop))
        events += running.take(chunk, results[-1])
    *events_before, finished = [*events, *running.finish()]
    assert isinstance(finished, Finished)
    settled = [part for event in events_before if isinstance(event, Settled) for part in event.segments]
    expected = merge(results, settled, SpeakerCount())
    assert isinstance(finished.transcript.segments, SegmentLog)
    assert whole(finished.transcript) == expected
    assert {part.speaker for part in expected.segments} == {0, 1}
    assert not finished.speaker_map


def whole(of: Transcript) -> Transcript:
    return replace(of, segments=tuple(of.segments))


def _speakers(said: Sequence[Segment], order: int) -> ChunkSpeakers:
    """Who speaks first in a chunk has another number in the next."""
    turns = [SpeakerTurn(part.start, part.stop, (n + order) % 2) for n, part in enumerate(said)]
    voices = [Voice(n, 1, pack([1, 0] if n == order % 2 else [0, 1])) for n in range(2)]
    return ChunkSpeakers(tuple(turns), tuple(voices))
