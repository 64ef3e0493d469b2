"""What must hold while damaged files arrive, and which cases broke it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.files.fuzz.traffic import Reply
from benchmarks.report import table

MAX_SECONDS = 10.0
MAX_GROWTH = 1.3  # of a process, against its peak with good files
SHOWN_CASES = 20

HEADER = ("", "bound", "measured", "", "cases")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    bound: str
    measured: str
    is_met: bool
    cases: tuple[int, ...] = ()


def check_replies(replies: Sequence[Reply], good: frozenset[int]) -> Iterator[Check]:
    """`good` are the numbers of files that nothing was done to."""
    failed = [reply for reply in replies if reply.is_failure]
    yield _check("answers of 5xx or none", "0", str(len(failed)), failed)
    slow = [reply for reply in replies if reply.seconds > MAX_SECONDS]
    slowest = max((reply.seconds for reply in replies), default=0.0)
    yield _check("slowest answer", f"{MAX_SECONDS:.0f} s", f"{slowest:.1f} s", slow)
    refused = [reply for reply in replies if reply.number in good and reply.status != 200]
    yield _check("good files between, refused", "0", f"{len(refused)} of {len(good)}", refused)


def check_memory(
    name: str, before: int, during: int, replies: Iterable[Reply], exceeded: Sequence[float]
) -> Check:
    """Peaks of one process in bytes; `exceeded` are the moments at which it passed its bound."""
    bound = bounded(before)
    measured = f"{_mebibytes(during)} (good files: {_mebibytes(before)})"
    if during <= bound:
        return Check(name, _mebibytes(bound), measured, True)
    suspects = [reply for reply in replies if any(reply.started <= at <= reply.ended for at in exceeded)]
    return Check(name, _mebibytes(bound), measured, False, _numbers(suspects))


def check_equal(name: str, before: int, after: int) -> Check:
    """That nothing is left: no more of something after than before."""
    return Check(name, str(before), str(after), after <= before)


def bounded(peak: int) -> int:
    return round(MAX_GROWTH * peak)


def check_table(checks: Iterable[Check]) -> str:
    return table(HEADER, [_row(check) for check in checks])


def _row(check: Check) -> tuple[str, ...]:
    shown = ", ".join(map(str, check.cases[:SHOWN_CASES]))
    more = f" and {len(check.cases) - SHOWN_CASES} more" if len(check.cases) > SHOWN_CASES else ""
    return check.name, check.bound, check.measured, "met" if check.is_met else "BROKEN", shown + more


def _check(name: str, bound: str, measured: str, offenders: Iterable[Reply]) -> Check:
    numbers = _numbers(offenders)
    return Check(name, bound, measured, not numbers, numbers)


def _numbers(replies: Iterable[Reply]) -> tuple[int, ...]:
    return tuple(reply.number for reply in replies)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
