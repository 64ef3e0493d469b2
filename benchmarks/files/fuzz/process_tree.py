"""The memory of a process and its descendants, read from /proc every 20 ms."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS_PER_SAMPLE = 0.02
PROC = Path("/proc")
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
SHARED_OUT = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(slots=True)
class Peaks:
    """Bytes of memory: of the process itself, of its largest descendant, and of all together, where pages
    shared by several count once; and of disk."""

    root: int = 0
    child: int = 0
    total: int = 0
    disk: int = 0


@dataclass(slots=True)
class TreeMonitor:
    """Samples from entering to leaving: totals and the size of the files in a folder only if `folder` is
    given. With `bounds`, the moments at which a process exceeded them anew are kept in `exceeded`, as
    `time.monotonic()`."""

    pid: int
    folder: Path | None = None
    peaks: Peaks = field(default_factory=Peaks)
    bounds: Peaks | None = None
    exceeded: list[float] = field(default_factory=list)
    _seen: dict[int, int] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        assert self._thread
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS_PER_SAMPLE):
            self._sample()

    def _sample(self) -> None:
        pids = list(descendants(self.pid))
        for pid in pids:
            self._note(pid, peak(pid))
        if self.folder:
            self.peaks.total = max(self.peaks.total, sum(map(shared_out, pids)))
            self.peaks.disk = max(self.peaks.disk, disk_usage(self.folder))

    def _note(self, pid: int, size: int) -> None:
        is_root = pid == self.pid
        if is_root:
            self.peaks.root = max(self.peaks.root, size)
        else:
            self.peaks.child = max(self.peaks.child, size)
        bound = 0 if not self.bounds else self.bounds.root if is_root else self.bounds.child
        if bound and size > max(bound, self._seen.get(pid, 0)):
            self._seen[pid] = size
            self.exceeded.append(time.monotonic())


def descendants(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for children in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from descendants(int(child))


def peak(pid: int) -> int:
    """Largest resident size in bytes since the start, 0 if the process has ended."""
    return _kilobytes(pid, "status", PEAK)


def shared_out(pid: int) -> int:
    """Resident bytes, each shared page divided by the number of processes that share it."""
    return _kilobytes(pid, "smaps_rollup", SHARED_OUT)


def total_memory(pid: int) -> int:
    """Resident bytes of a process and all below it, where pages shared by several count once."""
    return sum(map(shared_out, descendants(pid)))


def disk_usage(folder: Path) -> int:
    """Bytes of the files in a folder."""
    total = 0
    for parent, _, names in os.walk(folder):  # unlike `rglob`, it passes over folders that have just gone
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total


def _kilobytes(pid: int, name: str, pattern: re.Pattern[str]) -> int:
    try:
        found = pattern.search((PROC / str(pid) / name).read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
