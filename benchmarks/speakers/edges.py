"""Speakers of the words at the edges of turns, and what speakers add to the word error rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.hard.listing import ABOUT, HardRecording, by_group, read_hard_recordings
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.speakers.pairing import EDGE_WORDS, edge_errors
from benchmarks.speakers.scores import attributed_errors, word_runs
from benchmarks.text_scores import Errors, count_errors
from benchmarks.values import Options

TITLE = "Words at the edges of turns"

METHOD = f"""\
The conversations, panels and distances of the hard set that have text, through the server (`verbose_json`
with words, `diarize=true`). Edge words are the first and last {EDGE_WORDS} words of a reference turn that
overlaps no other; of those that the transcript has right, the share with a wrong speaker. Speakers are
paired so that most words agree. cpWER (meeteval) counts a word of the wrong speaker as two errors; the
difference from WER is what speakers cost, of which overlapping speech is a part."""

GROUPS = ("conversation", "panel", "distance")
HEADER = ("half", "kind", "files", "edge words", "wrong speaker", "words", "cpWER", "WER", "difference")


@dataclass(frozen=True, slots=True)
class Scored:
    recording: HardRecording
    edges: Errors
    attributed: Errors
    words: Errors


def measure(options: Options) -> str:
    recordings = [item for item in read_hard_recordings(options, GROUPS) if item.conversation.stm]
    with serving(options.base_url) as base_url:
        client = Client(base_url)
        scored = [_score(recording, client) for recording in recordings]
    return "\n\n".join((ABOUT, METHOD, table(HEADER, _rows(scored))))


def _score(recording: HardRecording, client: Client) -> Scored:
    file = recording.conversation
    body = client.transcribe_speakers(file.audio, language=file.language).body
    reference = [item.turn for item in recording.utterances]
    words = [(word["word"], word.get("speaker") or "") for word in body["words"]]
    scored = Scored(
        recording,
        edge_errors(reference, words, file.language),
        attributed_errors(reference, word_runs(body["words"]), file.language),
        count_errors(" ".join(turn.text for turn in reference), body["text"], file.language),
    )
    note(
        f"{file.uri}: edges {percent(scored.edges.rate)}, cpWER {percent(scored.attributed.rate)},"
        f" WER {percent(scored.words.rate)}"
    )
    return scored


def _rows(scored: Sequence[Scored]) -> Iterator[tuple[object, ...]]:
    return (_row(*group) for group in by_group(scored, lambda item: item.recording.group))


def _row(half: str, kind: str, scored: Sequence[Scored]) -> tuple[object, ...]:
    edges = sum((item.edges for item in scored), Errors())
    attributed = sum((item.attributed for item in scored), Errors())
    words = sum((item.words for item in scored), Errors())
    return (
        half,
        kind,
        len(scored),
        edges.length,
        percent(edges.rate),
        words.length,
        percent(attributed.rate),
        percent(words.rate),
        f"{100 * (attributed.rate - words.rate):.1f}",
    )
