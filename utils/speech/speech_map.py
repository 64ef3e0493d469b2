"""Speech detection: pure functions from per-frame speech probabilities to spans of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models import Span, seconds

FRAME = 512  # samples per speech probability (32 ms), fixed by Silero

SURE = 0.5  # the threshold Silero was designed for

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpeechRules:
    """How probabilities become regions; times in samples. The thresholds are Silero's defaults."""

    onset: float = 0.5
    offset: float = 0.35
    min_speech: int = 0
    min_silence: int = seconds(0.16)
    pad: int = seconds(0.4)
    pad_before: int | None = None
    """Padding before a region; None: `pad`."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechMap:
    """Speech probabilities, one per frame, of `[start, start + num_samples)` of a recording."""

    start: int
    num_samples: int
    probabilities: Probabilities

    @property
    def stop(self) -> int:
        return self.start + self.num_samples

    def regions(self, rules: SpeechRules) -> tuple[Span, ...]:
        """Sorted, disjoint spans of speech, each padded into the silence around it."""
        return tuple(_pad(list(self._unpadded_regions(rules)), rules, self.start, self.stop))

    def at(self, samples: npt.NDArray[np.int64]) -> Probabilities:
        """The probabilities at samples of the recording, interpolated linearly between frame centres."""
        middles = self.start + FRAME // 2 + FRAME * np.arange(len(self.probabilities))
        return np.asarray(np.interp(samples, middles, self.probabilities), np.float32)

    def share(self, span: Span) -> float:
        """The share of the frames in `span` that are surely speech."""
        first = (span.start - self.start) // FRAME
        last = max(first + 1, -(-(span.stop - self.start) // FRAME))
        frames = self.probabilities[first:last]
        return float((frames >= SURE).mean()) if len(frames) else 0.0

    def spoken(self, span: Span, onset: float = SURE) -> int:
        """The samples of the frames in `span`, from its start on, that reach the probability `onset`."""
        first = max((span.start - self.start) // FRAME, 0)
        last = max(-(-(span.stop - self.start) // FRAME), 0)
        return int((self.probabilities[first:last] >= onset).sum()) * FRAME

    def since(self, start: int) -> SpeechMap:
        """The map from the frame that holds sample `start` on."""
        frames = max((start - self.start) // FRAME, 0)
        begin = self.start + frames * FRAME
        return SpeechMap(begin, max(self.stop - begin, 0), self.probabilities[frames:].copy())

    def continued(self, later: SpeechMap, until: int) -> SpeechMap:
        """The map with the frames of `later` after it, up to sample `until`; all end with a frame."""
        new = later.since(self.stop).probabilities[: (until - self.stop) // FRAME]
        return SpeechMap(self.start, until - self.start, np.concatenate([self.probabilities, new]))

    def quietest(self, span: Span) -> int:
        """The centre of the frame in `span` least likely to be speech; on a tie, the last one."""
        first = (span.start - self.start) // FRAME
        last = max(first + 1, (span.stop - self.start) // FRAME)
        frames = self.probabilities[first:last]
        best = first + len(frames) - 1 - int(np.argmin(frames[::-1]))
        return min(self.start + best * FRAME + FRAME // 2, span.stop)

    def _unpadded_regions(self, rules: SpeechRules) -> Iterator[Span]:
        patience = max(1, -(-rules.min_silence // FRAME))
        for first, last in hysteresis(self.probabilities, rules.onset, rules.offset, patience):
            start = self.start + first * FRAME
            stop = min(self.start + last * FRAME, self.stop)
            if stop - start > rules.min_speech:
                yield Span(start, stop)


def hysteresis(
    probabilities: Probabilities, onset: float, offset: float, patience: int
) -> Iterator[tuple[int, int]]:
    """Frame ranges that begin at `onset` and end where the probability stays below `offset` for more than
    `patience` frames. An `offset` above `onset` counts as `onset`."""
    first: int | None = None
    quiet_since: int | None = None
    for index, probability in enumerate(probabilities.tolist()):
        if probability >= onset:
            first = index if first is None else first
            quiet_since = None
        elif first is not None and probability < offset:
            quiet_since = index if quiet_since is None else quiet_since
            if index - quiet_since >= patience:
                yield first, quiet_since
                first = quiet_since = None
    if first is not None:
        yield first, len(probabilities) if quiet_since is None else quiet_since


def _pad(regions: Sequence[Span], rules: SpeechRules, start: int, stop: int) -> Iterator[Span]:
    """Widen each region; neighbours that would meet split the silence between them in half."""
    pad_before = rules.pad if rules.pad_before is None else rules.pad_before
    for index, region in enumerate(regions):
        before = regions[index - 1].stop if index else None
        after = regions[index + 1].start if index + 1 < len(regions) else None
        left = (
            region.start - pad_before
            if before is None
            else max(region.start - pad_before, (before + region.start) // 2)
        )
        right = (
            region.stop + rules.pad
            if after is None
            else min(region.stop + rules.pad, (region.stop + after) // 2)
        )
        yield Span(max(left, start), min(right, stop))


def pack_windows(speech: SpeechMap, rules: SpeechRules, longest: int, max_gap: int) -> list[Span]:
    """Windows of at most `longest` samples that cover every region, cut in silence.

    A pause longer than `max_gap` always ends a window; a region longer than `longest` is cut at its
    least speech-like frame.
    """
    windows: list[Span] = []
    for region in speech.regions(rules):
        for piece in split(region, speech, longest):
            last = windows[-1] if windows else None
            if last and piece.stop - last.start <= longest and piece.start - last.stop <= max_gap:
                windows[-1] = Span(last.start, piece.stop)
            else:
                windows.append(piece)
    return windows


def split(region: Span, speech: SpeechMap, longest: int) -> Iterator[Span]:
    """Pieces of at most `longest` samples, cut at the frames least likely to be speech."""
    while region.num_samples > longest:
        cut = speech.quietest(Span(region.start + longest // 2, region.start + longest))
        yield Span(region.start, cut)
        region = Span(cut, region.stop)
    yield region


def within(spans: Iterable[Span], bounds: Span) -> list[Span]:
    """The parts of `spans` inside `bounds`."""
    return [
        Span(max(span.start, bounds.start), min(span.stop, bounds.stop))
        for span in spans
        if span.start < bounds.stop and span.stop > bounds.start
    ]


def halved(window: Span, speech: Sequence[Span]) -> list[Span]:
    """The window cut in the longest pause of `speech` in its middle half; nothing if there is none."""
    quarter = window.num_samples // 4
    pauses = [
        Span(before.stop, after.start)
        for before, after in pairwise(speech)
        if before.stop >= window.start + quarter and after.start <= window.stop - quarter
    ]
    if not pauses:
        return []
    longest = max(pauses, key=lambda pause: pause.num_samples)
    cut = (longest.start + longest.stop) // 2
    return [Span(window.start, cut), Span(cut, window.stop)]
