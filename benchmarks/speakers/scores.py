"""Diarization error and speaker-attributed word error of the server's answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import meeteval
from pyannote.core import Annotation, Segment, Timeline
from pyannote.database.util import load_rttm, load_uem
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks.text_scores import Errors, normalise
from benchmarks.values import Message, Turn

MAX_WORD_GAP = 0.5  # seconds of silence within a turn
STM_LABEL = "<o>"


@dataclass(frozen=True, slots=True)
class DiarizationErrors:
    """Seconds of reference speech and of each kind of error."""

    total: float = 0.0
    missed: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0

    def __add__(self, other: DiarizationErrors) -> DiarizationErrors:
        return DiarizationErrors(
            self.total + other.total,
            self.missed + other.missed,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
        )

    @property
    def rate(self) -> float:
        return self.share(self.missed + self.false_alarm + self.confusion)

    @property
    def parts(self) -> str:
        """Miss, false alarm and confusion in percent."""
        parts = (self.missed, self.false_alarm, self.confusion)
        return " + ".join(f"{100 * self.share(part):.1f}" for part in parts)

    def share(self, seconds: float) -> float:
        return seconds / self.total if self.total else 0.0


def read_turns(rows: Iterable[Message]) -> list[Turn]:
    return [Turn(row["start"], row["end"], row["speaker"]) for row in rows]


def word_runs(words: Iterable[Message]) -> list[Turn]:
    """Groups consecutive words of one speaker into turns, split at gaps of `MAX_WORD_GAP` or more."""
    runs: list[list[Message]] = []
    for word in words:
        if not word.get("speaker"):
            continue
        if runs and not _is_boundary(runs[-1][-1], word):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [_join(run) for run in runs]


def speaker_turns(body: Message) -> list[Turn]:
    """The `turns` of a diarized answer, or its words grouped into turns if it has none."""
    return read_turns(body["turns"]) if "turns" in body else word_runs(body["words"])


def annotate(turns: Iterable[Turn]) -> Annotation:
    annotation = Annotation()
    for track, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), track] = turn.speaker
    return annotation


def read_reference(rttm: Path, uem: Path, uri: str) -> tuple[Annotation, Timeline]:
    """The reference turns and the scored region."""
    annotations: Callable[[Path], dict[str, Annotation]] = load_rttm
    scored: Callable[[Path], dict[str, Timeline]] = load_uem
    return annotations(rttm)[uri], scored(uem)[uri]


def diarization_errors(
    reference: Annotation, uem: Timeline, turns: Iterable[Turn], *, collar: float
) -> DiarizationErrors:
    """Overlap is scored; `collar` seconds on each side of a reference boundary are not."""
    # pyannote's collar is the width of the whole window around a boundary.
    metric = DiarizationErrorRate(collar=2 * collar, skip_overlap=False)
    parts = metric(reference, annotate(turns), uem=uem, detailed=True)
    return DiarizationErrors(
        parts["total"], parts["missed detection"], parts["false alarm"], parts["confusion"]
    )


def read_stm(path: Path) -> list[Turn]:
    """The speaker-attributed reference, sorted by start."""
    lines = meeteval.io.STM.load(path).lines
    turns = [
        Turn(
            float(line.begin_time),
            float(line.end_time),
            line.speaker_id,
            line.transcript.removeprefix(STM_LABEL),
        )
        for line in lines
    ]
    return sorted(turns, key=lambda turn: turn.start)


def attributed_errors(reference: Iterable[Turn], hypothesis: Iterable[Turn], language: str) -> Errors:
    """Word errors under the best mapping of speakers: the numerator and denominator of cpWER."""
    score = meeteval.wer.cp_word_error_rate(
        _streams(reference, language),
        _streams(hypothesis, language),
        reference_sort=False,
        hypothesis_sort=False,
    )
    return Errors(score.errors, score.length)


def _is_boundary(before: Message, after: Message) -> bool:
    return bool(before["speaker"] != after["speaker"] or after["start"] - before["end"] >= MAX_WORD_GAP)


def _join(run: list[Message]) -> Turn:
    text = " ".join(word["word"].strip() for word in run)
    return Turn(run[0]["start"], max(word["end"] for word in run), run[0]["speaker"], text)


def _streams(turns: Iterable[Turn], language: str) -> dict[str, str]:
    streams: defaultdict[str, list[str]] = defaultdict(list)
    for turn in turns:
        streams[turn.speaker].append(normalise(turn.text, language))
    return {speaker: " ".join(texts) for speaker, texts in streams.items()}
