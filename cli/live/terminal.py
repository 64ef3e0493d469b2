"""Draws lines on a terminal: those that are complete scroll away, those below are drawn again each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from math import ceil
from typing import TextIO

from cli.live.turns import Line
from utils.answers.line_breaks import columns

BOLD, FAINT, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
ERASE_BELOW = "\x1b[J"


class Terminal:
    def __init__(self, output: TextIO, size: Callable[[], os.terminal_size]) -> None:
        self._output = output
        self._size = size
        self._drawn: list[float] = []  # the columns of each row that is to be drawn again

    def show(self, complete: Iterable[Line], still_open: Iterable[Line]) -> None:
        """`complete` once, above `still_open`, which replaces what was open before."""
        width, height = self._size()
        above = sum(max(1, ceil(used / width)) for used in self._drawn)
        kept = list(rows(complete, width - 1))
        redrawn = list(rows(still_open, width - 1))[-(height - 2) :]
        up = f"\x1b[{above}A" if above else ""
        drawn = "".join(f"{row}\n" for _, row in kept + redrawn)
        self._output.write(f"\r{up}{ERASE_BELOW}{drawn}")
        self._output.flush()
        self._drawn = [used for used, _ in redrawn]

    def entered(self) -> None:
        """The user has pressed Enter, and so begun a row."""
        self._drawn.append(0)


def rows(lines: Iterable[Line], width: int) -> Iterator[tuple[float, str]]:
    """Rows of at most `width` columns, how many each takes and its text: speakers in bold, what is unsettled
    faint."""
    for line in lines:
        speaker = f"{line.speaker}: " if line.speaker else ""
        settled = speaker + line.text
        text = settled + line.unsettled
        styles = (
            (BOLD, 0, len(speaker)),
            (PLAIN, len(speaker), len(settled)),
            (FAINT, len(settled), len(text)),
        )
        for start, stop in row_spans(text, width):
            parts = [(style, text[max(start, first) : min(stop, last)]) for style, first, last in styles]
            styled = (part if style is PLAIN else f"{style}{part}{PLAIN}" for style, part in parts if part)
            yield columns(text[start:stop]), "".join(styled)


def row_spans(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where rows of at most `width` columns begin and end: at spaces, or inside of what has none."""
    start = 0
    while start < len(text):
        stop = start + 1
        while stop < len(text) and columns(text[start : stop + 1]) <= width:
            stop += 1
        if stop < len(text) and (space := text.rfind(" ", start + 1, stop + 1)) > 0:
            stop = space
        yield start, stop
        start = stop + text.startswith(" ", stop)
