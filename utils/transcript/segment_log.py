"""A sequence of any number of segments: the latest in memory, the earlier ones on disk."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import IO, overload

from models import Segment
from utils.transcript import codec

PAGE = 100  # segments; decoded in one call, which holds the GIL, in 1 to 5 ms
MAX_IN_MEMORY = 500  # segments, which take a few megabytes


class SegmentLog(Sequence[Segment]):
    """Append-only, written page by page to an anonymous file in `folder` that is created for the first full
    page and deleted with the log. Threads may read it at once. Blocking; raises OSError (disk full)."""

    def __init__(self, folder: Path, segments: Iterable[Segment] = ()) -> None:
        self._folder = folder
        self._ends = [0]  # file offsets: the start, then the end of each page
        self._latest: list[Segment] = []
        self.extend(segments)

    def extend(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            self._latest.append(segment)
            if len(self._latest) == PAGE:
                self._write_page()

    @cached_property
    def _file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (closed with the log)
        weakref.finalize(self, file.close)
        return file

    def __len__(self) -> int:
        return self._num_pages * PAGE + len(self._latest)

    def __iter__(self) -> Iterator[Segment]:
        for number in range(self._num_pages):
            yield from self._page(number)
        yield from self._latest

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        resolved = range(len(self))[index]
        if isinstance(resolved, range):
            return [self[position] for position in resolved]
        number, offset = divmod(resolved, PAGE)
        return self._page(number)[offset] if number < self._num_pages else self._latest[offset]

    @property
    def _num_pages(self) -> int:
        return len(self._ends) - 1

    def _write_page(self) -> None:
        page = codec.encode_segments(self._latest)
        self._file.write(page)
        self._file.flush()
        self._ends.append(self._ends[-1] + len(page))
        self._latest = []

    def _page(self, number: int) -> Sequence[Segment]:
        start, end = self._ends[number : number + 2]
        return codec.decode_segments(os.pread(self._file.fileno(), end - start, start))


def in_pages(segments: Iterable[Segment]) -> Iterator[tuple[Segment, ...]]:
    """PAGE segments at a time; all together may not fit into memory."""
    rest = iter(segments)
    while page := tuple(islice(rest, PAGE)):
        yield page


def collect_segments(segments: Iterable[Segment], folder: Path) -> Sequence[Segment]:
    """All segments: in a tuple if they are few, else in a log."""
    rest = iter(segments)
    first = tuple(islice(rest, MAX_IN_MEMORY + 1))
    return first if len(first) <= MAX_IN_MEMORY else SegmentLog(folder, chain(first, rest))
