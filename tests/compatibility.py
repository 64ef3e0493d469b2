"""docs/compatibility.md: what the contract has, and the tests that prove each line of it.

A test that carries `@pytest.mark.contract(area, name, how)` proves a row; where several do, one says how.
With WRITE_COMPATIBILITY=path the table is written there from the outcomes of the run; tests/test_documents.py
compares its rows with the marks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

INTRODUCTION = """\
# What of the hosted API is kept

Each row is proved by the tests named in it, through the official Python client, the official Node client,
curl or plain HTTP, against a running server; answers are checked against the clients' own types. The table
is written by `make compatibility` from the outcomes of those tests, so a row without "yes" does not work.
"""

AREAS = (
    "Transcription fields",
    "Response formats",
    "Streaming",
    "Translations",
    "Speakers",
    "Models",
    "Files and batches",
    "Background jobs",
    "Errors and headers",
    "Clients",
)


@dataclass
class Row:
    """One thing of the contract: how it is honoured, and by which tests that is known."""

    area: str
    name: str
    how: str
    tests: list[str] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)

    @property
    def honoured(self) -> str:
        return "yes" if self.outcomes == {"passed"} else ", ".join(sorted(self.outcomes)) or "not run"


def rows_of(items: Iterable[pytest.Item]) -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = {}
    for item in items:
        for mark in item.iter_markers("contract"):
            area, name, *how = mark.args
            row = rows.setdefault((area, name), Row(area, name, ""))
            row.how = row.how or "".join(how)
            test = item.nodeid.split("[")[0]
            if test not in row.tests:
                row.tests.append(test)
    return rows


def rendered(rows: Iterable[Row]) -> str:
    rows = sorted(rows, key=lambda row: row.name)
    parts = [INTRODUCTION]
    for area in AREAS:
        lines = [
            f"| {row.name} | {row.honoured} | {row.how} | {', '.join(_short(test) for test in row.tests)} |"
            for row in rows
            if row.area == area
        ]
        if lines:
            head = ["| what | honoured | how | tests |", "| --- | --- | --- | --- |"]
            parts.append("\n".join([f"## {area}\n", *head, *lines, ""]))
    return "\n".join(parts)


def _short(test: str) -> str:
    """`file: name` of a test's id."""
    path, _, name = test.partition("::")
    return f"`{Path(path).stem}: {name.removeprefix('test_').replace('_', ' ')}`"


class Recorder:
    """Notes how the tests of each row end, and writes the table when asked to."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._rows_of_test: dict[str, list[Row]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._rows = rows_of(session.items)
        for item in session.items:
            marks = item.iter_markers("contract")
            self._rows_of_test[item.nodeid] = [self._rows[mark.args[0], mark.args[1]] for mark in marks]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for row in self._rows_of_test.get(report.nodeid, ()):
                row.outcomes.add(report.outcome)

    def pytest_sessionfinish(self) -> None:
        if path := os.environ.get("WRITE_COMPATIBILITY"):
            Path(path).write_text(rendered(self._rows.values()))
