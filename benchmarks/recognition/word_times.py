"""Errors of word starts at speech onsets, for the recogniser's times and for forced alignment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.client import Client
from benchmarks.eval_set import Utterance, read_audio, read_utterances
from benchmarks.recognition.onsets import find_onsets, start_errors
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.values import Options
from models import SAMPLE_RATE

TITLE = "Word times"

SUBSETS = ("jfk-inaugural", "librivox-sense-and-sensibility", "librivox-sonnet", "moonshine-two-cities")

METHOD = """\
The JFK, LibriVox and Tale of Two Cities files of `wer/manifest.jsonl` through the server (`verbose_json`
with words). There are no manual word times. Speech onsets after pauses of at least 0.3 s are found by energy
(frames of 10 ms, 12 dB above the noise) and compared with the start of the first word whose midpoint lies
after the pause's; the nearest start could be that of a wrong word. If the previous word extends into the
second half of the pause, the transcript misses the pause: such onsets are counted but not scored. Errors are
absolute, in seconds; the bias is the signed mean, negative where words start before the sound. The server
trims words to the speech that it detects, which alone moves many starts close to an onset, whichever the
word: compare the rows with each other, and do not read them in isolation.

Where no published aligner can be downloaded, `python -m benchmarks.recognition.train_aligner FOLDER` trains a
small one on the other English recordings. None of these speakers is in its training data, but its targets
mark quiet frames as blank by the same energy measure."""

HEADER = ("times", "onsets", "scored", "mean", "median", "max", "bias")

OWN, ALIGNED = "the recogniser's own", "aligned by"


@dataclass(frozen=True, slots=True)
class Scored:
    utterance: Utterance
    system: str
    errors: list[float | None]


def measure(options: Options) -> str:
    utterances = [item for item in read_utterances(options.eval_dir) if item.subset in SUBSETS]
    aligner = os.environ.get("ALIGNMENT_MODEL")
    systems = {OWN: "false"} | ({f"{ALIGNED} {aligner}": "true"} if aligner else {})
    with serving(options.base_url) as base_url:
        client = Client(base_url)
        scored = [
            _score(utterance, client, system, align)
            for utterance in utterances
            for system, align in systems.items()
        ]
    parts = [METHOD, table(HEADER, _rows(scored, systems))]
    if not aligner:
        parts.append("ALIGNMENT_MODEL is not set: nothing was aligned.")
    return "\n\n".join(parts)


def _score(utterance: Utterance, client: Client, system: str, align: str) -> Scored:
    answer = client.transcribe(
        utterance.audio,
        language=utterance.language,
        response_format="verbose_json",
        align=align,
        diarize="false",
        **{"timestamp_granularities[]": "word"},
    )
    errors = start_errors(find_onsets(read_audio(utterance.audio), SAMPLE_RATE), answer.body["words"])
    note(f"{utterance.audio.name}, {system}: {', '.join(_seconds(error) for error in errors)}")
    return Scored(utterance, system, errors)


def _rows(scored: list[Scored], systems: Iterable[str]) -> Iterable[tuple[object, ...]]:
    for system in systems:
        errors = [error for item in scored if item.system == system for error in item.errors]
        known = [error for error in errors if error is not None]
        sizes = [abs(error) for error in known]
        figures = (mean(sizes), median(sizes), max(sizes), mean(known)) if known else (None,) * 4
        yield system, len(errors), len(known), *map(_seconds, figures)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
