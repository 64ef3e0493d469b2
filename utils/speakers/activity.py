"""Frame-wise speaker activity, one seat per speaker, to turns that may overlap. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import Span, SpeakerTurn, seconds
from utils.speech.speech_map import hysteresis

Activity = npt.NDArray[np.float32]
"""(frames, seats): the probability that the speaker of each seat talks. Seats fill in order of arrival."""


@dataclass(frozen=True, slots=True)
class ActivityRules:
    """How activity becomes turns; times in samples. The defaults are those that NVIDIA tuned on DIHARD III
    for streaming Sortformer v2 (`diar_streaming_sortformer_4spk-v2_dihard3-dev.yaml`); v2.1 has none of its
    own. As their offset is above the onset, the onset acts as a plain threshold."""

    onset: float = 0.56
    offset: float = 1.0
    pad_before: int = seconds(0.063)
    pad_after: int = seconds(0.002)
    min_speech: int = seconds(0.007)
    min_silence: int = seconds(0.151)


@dataclass(frozen=True, slots=True)
class SeatLayout:
    """The number of seats of a network, the samples per frame of activity and per step, and its rules."""

    seats: int
    frame: int
    step: int
    rules: ActivityRules


def seat_turns(activity: Activity, frame: int, heard: Span, rules: ActivityRules) -> tuple[SpeakerTurn, ...]:
    """Turns in order of time, with the seat as speaker; those of one seat are disjoint.

    `activity` begins at `heard.start`, one row per `frame` samples. The steps and their order are those of
    NeMo's `ts_vad_post_processing` (after Medennikov et al. 2020, arXiv:2005.07272).
    """
    turns = [
        SpeakerTurn(span.start, span.stop, seat)
        for seat in range(activity.shape[1])
        for span in _spans(activity[:, seat], frame, heard, rules)
    ]
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.stop, turn.speaker)))


def _spans(activity: Activity, frame: int, heard: Span, rules: ActivityRules) -> list[Span]:
    padded = (
        Span(
            max(heard.start + first * frame - rules.pad_before, heard.start),
            min(heard.start + last * frame + rules.pad_after, heard.stop),
        )
        for first, last in hysteresis(activity, rules.onset, rules.offset, patience=0)
    )
    real = (span for span in close_gaps(padded, 0) if span.num_samples > rules.min_speech)
    return list(close_gaps(real, rules.min_silence))


def close_gaps(spans: Iterable[Span], max_gap: int) -> Iterator[Span]:
    """Sorted spans, merged where the gap between them is at most `max_gap` samples."""
    current: Span | None = None
    for span in spans:
        if current and span.start - current.stop <= max_gap:
            span = Span(current.start, max(current.stop, span.stop))
        elif current:
            yield current
        current = span
    if current:
        yield current


def speaking_time(turns: Iterable[SpeakerTurn]) -> dict[int, int]:
    """Samples of speech per speaker, in order of first turn."""
    spoken: dict[int, int] = {}
    for turn in turns:
        spoken[turn.speaker] = spoken.get(turn.speaker, 0) + turn.stop - turn.start
    return spoken


def shared_time(
    one: Sequence[SpeakerTurn], other: Sequence[SpeakerTurn], rows: Sequence[int], columns: Sequence[int]
) -> npt.NDArray[np.float64]:
    """(rows, columns): the samples in which a speaker of `one` and a speaker of `other` both talk."""
    row_of = {speaker: row for row, speaker in enumerate(rows)}
    column_of = {speaker: column for column, speaker in enumerate(columns)}
    shared = np.zeros((len(rows), len(columns)))
    first = min((turn.start for turn in other), default=0)
    for turn in (turn for turn in one if turn.stop > first):
        for match in other:
            overlap = min(turn.stop, match.stop) - max(turn.start, match.start)
            if overlap > 0:
                shared[row_of[turn.speaker], column_of[match.speaker]] += overlap
    return shared


def solo_spans(turns: Sequence[SpeakerTurn], speaker: int) -> list[Span]:
    """Where only `speaker` talks, so that the voice is clean."""
    own = close_gaps((Span(turn.start, turn.stop) for turn in turns if turn.speaker == speaker), 0)
    others = sorted(
        (Span(turn.start, turn.stop) for turn in turns if turn.speaker != speaker), key=lambda s: s.start
    )
    return [rest for span in own for rest in _without(span, others)]


def _without(span: Span, others: Sequence[Span]) -> Iterator[Span]:
    start = span.start
    for other in others:
        if other.start >= span.stop:
            break
        if other.start > start:
            yield Span(start, other.start)
        start = max(start, other.stop)
    if start < span.stop:
        yield Span(start, span.stop)
