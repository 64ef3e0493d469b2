"""Speaker counts and diarization error on the hard set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.hard.listing import ABOUT, HardRecording, by_group, given_language, read_hard_recordings
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.speakers.pairing import FULL_SECONDS, SMALL_SECONDS, SpeakerCounts, count_speakers
from benchmarks.speakers.scores import DiarizationErrors, diarization_errors, read_reference, speaker_turns
from benchmarks.values import Options, Turn

TITLE = "Speaker counts of the hard set"

METHOD = f"""\
Every recording of the hard set but the whispered and quiet ones through the server (`verbose_json` with
words, `diarize=true`, no number of speakers). The speakers of the answer are paired with those of the
reference by their overlap; a pair must hold most of what the former says. A count is right if there are as
many speakers as people who speak for {FULL_SECONDS:.0f} s or more, those paired with people who say less
left aside. Of people who speak for {SMALL_SECONDS} to {FULL_SECONDS:.0f} s, *found* are those who are
paired. Scored with pyannote.metrics, including overlap: miss + false alarm + confusion."""

GROUPS = ("conversation", "panel", "changed", "alone", "languages", "distance")
COLLARS = (0.0, 0.25)  # seconds on each side of a boundary
HEADER = (
    *("half", "kind", "files", "counts right", "too many", "too few", "of few words", "found"),
    *("DER", "parts", "DER, 0.25 s", "parts, 0.25 s"),
)


@dataclass(frozen=True, slots=True)
class Scored:
    recording: HardRecording
    counts: SpeakerCounts
    errors: tuple[DiarizationErrors, ...]


def measure(options: Options) -> str:
    recordings = read_hard_recordings(options, GROUPS)
    with serving(options.base_url) as base_url:
        client = Client(base_url)
        scored = [_score(recording, client) for recording in recordings]
    return "\n\n".join((ABOUT, METHOD, table(HEADER, _rows(scored))))


def _score(recording: HardRecording, client: Client) -> Scored:
    file = recording.conversation
    body = client.transcribe_speakers(file.audio, language=given_language(file)).body
    turns = speaker_turns(body)
    reference, uem = read_reference(file.rttm, file.uem, file.uri)
    spoken = [
        Turn(segment.start, segment.end, speaker)
        for segment, _, speaker in reference.itertracks(yield_label=True)
    ]
    counts = count_speakers(turns, spoken, recording.speech)
    errors = tuple(diarization_errors(reference, uem, turns, collar=collar) for collar in COLLARS)
    note(
        f"{file.uri}: {counts.counted} of {counts.full}, few words {counts.small_found} of {counts.small},"
        f" DER {percent(errors[0].rate)} ({errors[0].parts})"
    )
    return Scored(recording, counts, errors)


def _rows(scored: Sequence[Scored]) -> Iterator[tuple[object, ...]]:
    return (_row(*group) for group in by_group(scored, lambda item: item.recording.group))


def _row(half: str, kind: str, scored: Sequence[Scored]) -> tuple[object, ...]:
    differences = [item.counts.counted - item.counts.full for item in scored]
    small = sum(item.counts.small for item in scored)
    found = sum(item.counts.small_found for item in scored)
    right = sum(not difference for difference in differences)
    errors = [sum((item.errors[n] for item in scored), DiarizationErrors()) for n in range(len(COLLARS))]
    return (
        half,
        kind,
        len(scored),
        f"{right} ({percent(right / len(scored))})",
        sum(difference > 0 for difference in differences),
        sum(difference < 0 for difference in differences),
        small,
        f"{found} ({percent(found / small)})" if small else "-",
        *(cell for total in errors for cell in (percent(total.rate), total.parts)),
    )
