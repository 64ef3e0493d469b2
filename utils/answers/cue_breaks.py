"""Where to end cues and lines: what costs least over all cues of a speaker (Knuth and Plass, 1981). Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from models import SAMPLE_RATE
from utils.answers.line_breaks import MAX_LINE
from utils.answers.line_units import MAX_DURATION, MAX_PAUSE, Unit

MIN_DURATION = SAMPLE_RATE
READING_SPEED = 21  # characters a second, or as many columns where that is more
MILLISECOND = SAMPLE_RATE // 1000

TOO_SHORT, TOO_FAST = 20.0, 4.0  # costs of a cue that is shown for no time at all
TOO_LONG = 10.0  # cost of a cue of which only half is shown
LINE_BREAK = 6.0  # columns that the wider line may have more for a break that costs 1 less


class CueBreaks:
    """The cues and lines of consecutive units of one speaker, whose label takes `label_width` columns.

    `end` is that of the recording.
    """

    def __init__(self, units: Sequence[Unit], label_width: float, end: int) -> None:
        self._units = units
        self._label = label_width
        self._starts = [*(unit.start for unit in units), end]
        self._break_costs = [0.0, *(_break_cost(*pair) for pair in pairwise(units)), 0.0]
        self._widths = [0.0, *accumulate(unit.width + unit.has_space for unit in units)]
        self._signs = [0.0, *accumulate(max(len(unit.text), unit.width) + unit.has_space for unit in units)]

    def cues(self) -> list[range]:
        """The units of each cue."""
        best = [0.0] + [float("inf")] * len(self._units)
        begins = [0] * (len(self._units) + 1)
        for first in range(len(self._units)):
            for stop in self._possible_stops(first):
                cost = best[first] + self._cost(first, stop)
                if cost < best[stop]:
                    best[stop], begins[stop] = cost, first
        cues, stop = [], len(self._units)
        while stop:
            cues.append(range(begins[stop], stop))
            stop = begins[stop]
        return cues[::-1]

    def lines(self, cue: range) -> list[range]:
        """One or two lines of about the same width; the first is empty if only the label fits there."""
        if self._label + self._width(cue.start, cue.stop) <= MAX_LINE:
            return [cue]
        middles = [
            middle
            for middle in range(cue.start, cue.stop)
            if self._label + self._width(cue.start, middle) <= MAX_LINE
            and self._width(middle, cue.stop) <= MAX_LINE
        ]
        middle = min(middles, key=lambda middle: (middle == cue.start, self._line_cost(cue, middle)))
        return [range(cue.start, middle), range(middle, cue.stop)]

    def needed(self, cue: range) -> int:
        """How long it takes to read, in samples, whole milliseconds."""
        signs = self._label + self._signs[cue.stop] - self._signs[cue.start]
        return max(MIN_DURATION, MILLISECOND * -(-round(1000 * signs) // READING_SPEED))

    def _width(self, first: int, stop: int) -> float:
        if stop == first:
            return 0.0
        return self._widths[stop] - self._widths[first] - self._units[first].has_space

    def _reach(self, first: int, room: float) -> int:
        """How many units from `first` on fit a line."""
        if first == len(self._units):
            return first
        total = self._widths[first] + self._units[first].has_space + room
        return max(first, bisect_right(self._widths, total) - 1)

    def _possible_stops(self, first: int) -> Iterator[int]:
        """Where a cue that begins with a unit may end: it fits two lines, and has no long pause inside."""
        latest = self._starts[first] + MAX_DURATION - MIN_DURATION
        yield first + 1
        for stop in range(first + 2, self._reach(self._reach(first, MAX_LINE - self._label), MAX_LINE) + 1):
            start = self._starts[stop - 1]
            if start > latest or start - self._units[stop - 2].stop > MAX_PAUSE:
                return
            yield stop

    def _cost(self, first: int, stop: int) -> float:
        start = self._starts[first]
        available = self._starts[stop] - start
        filled = self._width(first, stop) / (2 * MAX_LINE)
        cost = self._break_costs[stop] + filled * filled
        if available < MIN_DURATION:
            cost += TOO_SHORT * (1 - available / MIN_DURATION)
        needed = (self._label + self._signs[stop] - self._signs[first]) * SAMPLE_RATE / READING_SPEED
        if available < needed:
            cost += TOO_FAST * (1 - available / needed)
        if (beyond := self._units[stop - 1].stop - start - MAX_DURATION) > 0:
            cost += TOO_LONG * beyond / MAX_DURATION
        return cost

    def _line_cost(self, cue: range, middle: int) -> float:
        widest = max(self._label + self._width(cue.start, middle), self._width(middle, cue.stop))
        return widest + LINE_BREAK * self._units[middle].break_cost


def _break_cost(before: Unit, after: Unit) -> float:
    """A pause makes a break better."""
    pause = min(MAX_PAUSE, max(0, after.start - before.stop)) / MAX_PAUSE
    return after.break_cost * (1 - pause)
