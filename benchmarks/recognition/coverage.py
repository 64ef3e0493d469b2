"""Clear speech that the transcript leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyannote.core import Segment, Timeline

from benchmarks.client import Client
from benchmarks.eval_set import LONG, Conversation, read_conversations
from benchmarks.hard.listing import ABOUT, by_group, given_language, read_hard_recordings
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.speakers.scores import read_reference, read_turns
from benchmarks.values import Message, Options

TITLE = "Speech without a word"

MIN_MISSED = 2.5  # seconds
DER_KINDS = ("synth", LONG)
MAX_GAP = 0.5  # seconds within a turn of the answer

METHOD = f"""\
The hard set, and the synthetic and hour-long conversations, through the server (`verbose_json` with words,
`diarize=true`). Where both the reference and the `turns` of the answer have somebody speaking, no word is
missing for longer than a pause. Counted are stretches between words within turns of both that contain more
than {MIN_MISSED} s of reference speech without its pauses: their speech, in percent of all speech."""

HEADER = ("set", "kind", "files", "speech s", "missed s", "missed", "stretches")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Seconds of speech, and those of each stretch without a word."""

    speech: float
    missed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    source: str
    kind: str
    coverage: Coverage


def measure(options: Options) -> str:
    files = [(item.half, item.conversation) for item in read_hard_recordings(options)]
    if options.files == "*" and not options.quick:
        files += [("der", item) for item in read_conversations(options.eval_dir) if item.kind in DER_KINDS]
    with serving(options.base_url) as base_url:
        client = Client(base_url)
        scored = [Scored(source, file.kind, _score(file, client)) for source, file in files]
    return "\n\n".join((ABOUT, METHOD, table(HEADER, _rows(scored))))


def find_missed(speech: Timeline, utterances: Timeline, turns: Timeline, words: Timeline) -> Coverage:
    """Speech in stretches inside `utterances` and `turns` without a word; `speech` is without pauses."""
    sure = utterances.support().crop(turns.support(MAX_GAP))
    spoken = speech.support()
    stretches = (part for segment in sure for part in words.support().gaps(support=Timeline([segment])))
    missed = (spoken.crop(stretch).duration() for stretch in stretches)
    return Coverage(spoken.duration(), tuple(seconds for seconds in missed if seconds > MIN_MISSED))


def _score(file: Conversation, client: Client) -> Coverage:
    body = client.transcribe_speakers(file.audio, language=given_language(file)).body
    speech, _ = read_reference(file.rttm, file.uem, file.uri)
    utterances, _ = read_reference(file.rttm.with_suffix(".utt.rttm"), file.uem, file.uri)
    turns = Timeline(Segment(turn.start, turn.end) for turn in read_turns(body["turns"]))
    coverage = find_missed(
        speech.get_timeline(), utterances.get_timeline(), turns, Timeline(_segments(body["words"]))
    )
    note(f"{file.uri}: {', '.join(f'{seconds:.1f} s' for seconds in coverage.missed) or 'nothing missed'}")
    return coverage


def _segments(words: Iterable[Message]) -> list[Segment]:
    return [Segment(word["start"], word["end"]) for word in words if word["end"] > word["start"]]


def _rows(scored: Sequence[Scored]) -> Iterator[tuple[object, ...]]:
    for source, kind, items in by_group(scored, lambda item: (item.source, item.kind)):
        yield _row(source, kind, [item.coverage for item in items])


def _row(source: str, kind: str, coverages: Sequence[Coverage]) -> tuple[object, ...]:
    speech = sum(item.speech for item in coverages)
    missed = [seconds for item in coverages for seconds in item.missed]
    share = f"{100 * sum(missed) / speech:.2f} %" if speech else "-"
    return source, kind, len(coverages), f"{speech:.0f}", f"{sum(missed):.1f}", share, len(missed)
