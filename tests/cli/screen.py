"""What a terminal shows of what is written to it, as far as the live client goes: no row is too long."""

from __future__ import annotations

import re

UNIT = re.compile(r"\x1b\[(\d*)([AJm])|([\r\n])|([^\x1b\r\n]+)")


def shown(written: str) -> list[str]:
    """Its rows, without the last, where the cursor is."""
    rows, row = [""], 0
    position = 0
    while position < len(written):
        unit = UNIT.match(written, position)
        assert unit, written[position : position + 20]
        position = unit.end()
        count, command, control, text = unit.groups()
        if command == "A":
            row -= int(count)
            assert row >= 0, "above the screen"
        elif command == "J":
            assert count == ""
            rows[row:] = [""]
        elif control == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif text:
            rows[row] += text
    assert rows[-1] == ""
    return rows[:-1]


def plain(styled: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", styled)
