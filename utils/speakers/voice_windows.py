"""Plans windows of speech, and builds turns once each window has a speaker. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Span, SpeakerTurn

Labels = npt.NDArray[np.int64]

WINDOW = SAMPLE_RATE * 3 // 2
HOP = SAMPLE_RATE * 3 // 4
LONGEST_STRETCH = 10 * SAMPLE_RATE


def plan_windows(speech: Sequence[Span], length: int = WINDOW, hop: int = HOP) -> list[Span]:
    """Windows of `length`, at most `hop` apart, spread evenly over each region; a short region is one."""
    return [
        window for region in speech if region.num_samples > 0 for window in _windows_of(region, length, hop)
    ]


def _windows_of(region: Span, length: int, hop: int) -> Iterator[Span]:
    slack = region.num_samples - length
    if slack <= 0:
        yield region
        return
    steps = -(-slack // hop)
    for step in range(steps + 1):
        start = region.start + slack * step // steps
        yield Span(start, start + length)


def group_stretches(windows: Sequence[Span]) -> list[list[Span]]:
    """Runs of overlapping windows, at most 10 s long, so that a stretch is read and filtered once."""
    stretches: list[list[Span]] = []
    for window in windows:
        run = stretches[-1] if stretches else []
        if run and window.start < run[-1].stop and window.stop - run[0].start <= LONGEST_STRETCH:
            run.append(window)
        else:
            stretches.append([window])
    return stretches


def build_turns(windows: Sequence[Span], labels: Labels, speech: Sequence[Span]) -> tuple[SpeakerTurn, ...]:
    """Turns that cover all speech without overlap, changing midway between the centres of two windows."""
    speakers = labels.tolist()
    turns: list[SpeakerTurn] = []
    index = 0
    for region in speech:
        first = index
        while index < len(windows) and windows[index].start < region.stop:
            index += 1
        turns.extend(_turns_of(region, windows[first:index], speakers[first:index]))
    return tuple(turns)


def _turns_of(region: Span, windows: Sequence[Span], speakers: Sequence[int]) -> Iterator[SpeakerTurn]:
    if not windows:
        return
    start, speaker = region.start, speakers[0]
    for (window, _), (following, next_speaker) in pairwise(zip(windows, speakers, strict=True)):
        if next_speaker != speaker:
            change = (window.start + window.stop + following.start + following.stop) // 4
            yield SpeakerTurn(start, change, speaker)
            start, speaker = change, next_speaker
    yield SpeakerTurn(start, region.stop, speaker)
