"""How the events of a live session are shown: on a terminal, as lines of text, or as lines of JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from cli.live.terminal import Terminal
from cli.live.turns import Line, Turns, lines_of, told

View: TypeAlias = Callable[[dict[str, Any]], None]
Show: TypeAlias = Callable[[Iterable[Line], Iterable[Line]], None]


def print_event(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def text_view(show: Show) -> View:
    """`show` gets the lines that are complete since the last event, and those that are open."""
    turns: Turns = {}

    def tell(event: dict[str, Any]) -> None:
        nonlocal turns
        turns, complete = told(turns, event)
        show(complete, lines_of(turns))

    return tell


def print_complete(complete: Iterable[Line], _: Iterable[Line]) -> None:
    for line in complete:
        print(f"{line.speaker}: {line.text}" if line.speaker else line.text, flush=True)


def terminal() -> Terminal:
    return Terminal(sys.stdout, shutil.get_terminal_size)
