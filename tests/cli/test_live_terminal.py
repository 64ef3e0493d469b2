"""Lines drawn on a terminal, some of them over and over."""

from __future__ import annotations

import io
import os

from hypothesis import given
from hypothesis import strategies as st

from cli.live.terminal import Terminal, row_spans, rows
from cli.live.turns import Line
from tests.cli.screen import plain, shown
from utils.answers.line_breaks import columns

TEXT = st.text(st.sampled_from("ab 会é"), max_size=40)
LINES = st.lists(st.builds(Line, TEXT, st.sampled_from(["", "A", "Ann"]), TEXT), max_size=3)
WIDTHS = st.integers(4, 30)


@given(TEXT, WIDTHS)
def test_rows_fit_and_lose_no_letter(text: str, width: int) -> None:
    parts = [text[start:stop] for start, stop in row_spans(text, width)]
    assert all(columns(part) <= width for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_rows_end_at_spaces_where_there_are_any() -> None:
    text = "one two threefour"
    assert [text[start:stop] for start, stop in row_spans(text, 8)] == ["one two", "threefou", "r"]


def test_speakers_are_bold_and_unsettled_words_faint() -> None:
    assert list(rows([Line("so it", "Ann", " is")], 30)) == [
        (13, "\x1b[1mAnn: \x1b[0mso it\x1b[2m is\x1b[0m")
    ]


@given(st.lists(st.tuples(LINES, LINES), min_size=1), WIDTHS)
def test_complete_lines_stay_and_open_ones_are_replaced(
    steps: list[tuple[list[Line], list[Line]]], width: int
) -> None:
    output = io.StringIO()
    terminal = Terminal(output, lambda: os.terminal_size((width, 500)))
    kept: list[Line] = []
    for complete, still_open in steps:
        terminal.show(complete, still_open)
        kept += complete
    expected = [plain(row) for _, row in rows([*kept, *steps[-1][1]], width - 1)]
    assert shown(output.getvalue()) == expected


def test_of_many_open_rows_the_last_are_shown() -> None:
    output = io.StringIO()
    terminal = Terminal(output, lambda: os.terminal_size((80, 6)))
    for _ in range(2):
        terminal.show([], [Line(str(number)) for number in range(20)])
    assert shown(output.getvalue()) == ["16", "17", "18", "19"]


def test_a_narrower_window_has_wrapped_what_was_drawn() -> None:
    sizes = iter([os.terminal_size((40, 24)), os.terminal_size((10, 24))])
    output = io.StringIO()
    terminal = Terminal(output, lambda: next(sizes))
    terminal.show([], [Line("x" * 25)])
    terminal.show([], [Line("y")])
    assert output.getvalue().endswith("\r\x1b[3A\x1b[Jy\n")


def test_a_row_that_the_user_entered_is_passed_over() -> None:
    output = io.StringIO()
    terminal = Terminal(output, lambda: os.terminal_size((40, 24)))
    terminal.show([], [Line("one")])
    output.write("\n")
    terminal.entered()
    terminal.show([Line("One.")], [])
    assert shown(output.getvalue()) == ["One."]
