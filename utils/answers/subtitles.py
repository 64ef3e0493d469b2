"""Subtitle cues from word timestamps, after the guides of the BBC and Netflix. Pure.

A cue has one speaker, up to two lines of 42 columns and 7 s. It begins with its first word, give or take half
a second, and stays until it is read if its speaker pauses for so long. Where speakers talk at once their cues
overlap: players show both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import TypeAlias

from models import SAMPLE_RATE, Segment, Span
from utils.answers.cue_breaks import CueBreaks
from utils.answers.line_breaks import columns, is_right_to_left, may_break
from utils.answers.line_units import MAX_DURATION, Unit, units_of
from utils.words.word_times import settle

MAX_SHIFT = SAMPLE_RATE // 2  # a cue begins at most this long before or after its first word
MAX_DISORDER = 30 * SAMPLE_RATE  # segments come in order of their starts, but for this
WINDOW = 300  # units for which the best cues are found at once; a line holds up to 42
UNSETTLED = 2  # last cues of a window, which what is said next may still change
RIGHT_TO_LEFT_MARK = "\u200f"  # makes a line that begins with a name in Latin letters run from the right

Label: TypeAlias = Callable[[int | None], str]
"""What comes before the text of a speaker's cues."""

LaneKey: TypeAlias = tuple[int | None, int]
"""A speaker and, if unknown, the number of the lane."""


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """Times in samples; the speaker's label is part of the first line."""

    start: int
    stop: int
    lines: tuple[str, ...]


def make_cues(segments: Iterable[Segment], num_samples: int, label: Label) -> Iterator[Cue]:
    """Cues in order of their starts, none of which ends after `num_samples`; lazily, in bounded memory."""
    lanes: dict[LaneKey, _Lane] = {}
    waiting: list[Cue] = []
    for segment in segments:
        settled = segment.start - MAX_DISORDER  # nothing that is yet to come begins before
        for key, lane in list(lanes.items()):
            if lane.stop + MAX_DURATION < settled:
                _push(waiting, lanes.pop(key).take(num_samples, is_over=True))
        lane = lanes.setdefault(_lane_key(segment, lanes), _Lane(label(segment.speaker)))
        lane.add(units_of(segment))
        if len(lane.units) >= WINDOW:
            _push(waiting, lane.take(num_samples, is_over=False))
        earliest = min([settled, *(lane.units[0].start for lane in lanes.values() if lane.units)])
        while waiting and waiting[0].start <= earliest - 2 * MAX_SHIFT:
            yield heappop(waiting)
    for lane in lanes.values():
        _push(waiting, lane.take(num_samples, is_over=True))
    while waiting:
        yield heappop(waiting)


class _Lane:
    """Cues of one speaker, none of which overlap."""

    def __init__(self, label: str) -> None:
        self.units: list[Unit] = []
        self.stop = 0
        self._label = label
        self._free_from = 0

    def add(self, units: Iterable[Unit]) -> None:
        """What is said next; it does not begin before what was said last."""
        for unit in units:
            if self.units:
                last = self.units[-1]
                is_spaced = unit.has_space or not may_break(last.text, unit.text, has_space=False)
                start = max(unit.start, last.start)
                unit = replace(unit, start=start, stop=max(start, unit.stop), has_space=is_spaced)
            self.units.append(unit)
            self.stop = max(self.stop, unit.stop)

    def take(self, num_samples: int, is_over: bool) -> list[Cue]:
        """The cues that will not change, all of them if nothing follows."""
        breaks = CueBreaks(self.units, columns(self._label), num_samples)
        ranges = breaks.cues()
        spans = [
            Span(self.units[cue.start].start, max(unit.stop for unit in self._of(cue))) for cue in ranges
        ]
        times = _shown(spans, [breaks.needed(cue) for cue in ranges], Span(self._free_from, num_samples))
        count = len(ranges) if is_over else max(1, len(ranges) - UNSETTLED)
        cues = [
            Cue(time.start, time.stop, self._lines(breaks.lines(cue)))
            for cue, time in zip(ranges[:count], times, strict=False)
        ]
        if cues:
            self._free_from = cues[-1].stop
            self.units = self.units[ranges[count - 1].stop :]
        return cues

    def _of(self, units: range) -> Sequence[Unit]:
        return self.units[units.start : units.stop]

    def _lines(self, lines: Sequence[range]) -> tuple[str, ...]:
        texts = [_text(self._of(line)) for line in lines]
        is_mixed = self._label and is_right_to_left("".join(texts))
        first = (RIGHT_TO_LEFT_MARK if is_mixed else "") + self._label + texts[0]
        return first.rstrip(), *texts[1:]


def _text(units: Sequence[Unit]) -> str:
    return "".join(" " * (number > 0 and unit.has_space) + unit.text for number, unit in enumerate(units))


def _lane_key(segment: Segment, lanes: Mapping[LaneKey, _Lane]) -> LaneKey:
    """The speaker's lane; of unknown speakers as many lanes as speak at once."""
    number = 0
    if segment.speaker is None:
        while (lane := lanes.get((None, number))) and lane.stop > segment.start + MAX_SHIFT:
            number += 1
    return segment.speaker, number


def _shown(spoken: Sequence[Span], needed: Sequence[int], bounds: Span) -> list[Span]:
    """When to show what is said: until it is over and read, or the next cue begins.

    What is said faster than it can be read begins early or delays the next cue, where that takes no time that
    another cue needs.
    """
    shown: list[Span] = []
    free_from = late = 0
    for index, (said, length) in enumerate(zip(spoken, needed, strict=True)):
        following = spoken[index + 1].start if index + 1 < len(spoken) else bounds.stop
        spare = following - said.start - length
        if spare < 0:
            start = max(min(said.start, free_from), said.start - min(-spare, MAX_SHIFT))
        else:
            start = said.start + min(late, spare, MAX_SHIFT)
        stop = min(max(said.stop, start + length), start + MAX_DURATION)
        shown.append(Span(start, stop))
        free_from, late = min(stop, following), max(0, start + length - following)
    return settle(shown, bounds)


def _push(waiting: list[Cue], cues: Iterable[Cue]) -> None:
    for cue in cues:
        heappush(waiting, cue)
