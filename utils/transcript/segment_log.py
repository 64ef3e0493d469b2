"""Segments in order, however many: the latest in memory, those before them on disk."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, overload

from models import Segment
from utils.transcript import codec

PAGE = 500  # segments; a page in memory is some megabytes


class SegmentLog(Sequence[Segment]):
    """Grows at its end, page by page, into a nameless file in `folder` that is made for the first full page
    and gone with the log. Threads may read it at once. Blocking; raises OSError (the disk is full)."""

    def __init__(self, folder: Path, segments: Iterable[Segment] = ()) -> None:
        self._folder = folder
        self._ends = [0]  # in the file, of no page and of each one
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
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        number, place = divmod(places, PAGE)
        return self._page(number)[place] if number < self._num_pages else self._latest[place]

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
    """Some at a time, which together may not fit into memory."""
    rest = iter(segments)
    while page := tuple(islice(rest, PAGE)):
        yield page


def keep(segments: Iterable[Segment], folder: Path) -> Sequence[Segment]:
    """All of them: a tuple while they are few."""
    log = SegmentLog(folder, segments)
    return log if len(log) > PAGE else tuple(log)
