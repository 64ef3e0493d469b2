"""Finished results on disk: bounded in size and in age."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

logger = logging.getLogger(__name__)


class ResultCache:
    """Bytes by key, a file each in a private folder. The least recently used go first; what is older than
    `max_seconds` goes in any case. Blocking: for threads. Files, since a result may be large, a whole one
    appears at once by a rename, and to delete the folder is to empty the cache."""

    def __init__(
        self, folder: Path, max_bytes: int, max_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._sweeping = threading.Lock()

    def open(self, key: str) -> IO[bytes] | None:
        """To be read and closed."""
        path = self._folder / key
        try:
            made = path.stat().st_mtime
            if not self._max_bytes or self._clock() - made > self._max_seconds:
                return None
            file = path.open("rb")
            os.utime(path, (self._clock(), made))  # used now, made then
        except OSError:
            return None
        return file

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """Nothing is kept of what is larger than the whole cache may be."""
        if not self._max_bytes:
            return
        with _logged():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._write(self._folder / key, pieces)
        self.sweep()

    def _write(self, path: Path, pieces: Iterable[bytes]) -> None:
        with NamedTemporaryFile(dir=self._folder, delete=False) as out:
            part = Path(out.name)
            try:
                for piece in pieces:
                    out.write(piece)
                    if out.tell() > self._max_bytes:
                        part.unlink()
                        return
                out.flush()
                os.utime(part, (self._clock(), self._clock()))
                part.replace(path)
            except OSError:  # the disk is full; it should not stay so
                part.unlink(missing_ok=True)
                raise

    def sweep(self) -> None:
        """Delete what is too old, then what was not used for longest, until the rest fits."""
        oldest = self._clock() - self._max_seconds
        with _logged(), self._sweeping:
            files = [(path, path.stat()) for path in self._folder.glob("*")]
            files.sort(key=lambda file: (file[1].st_mtime >= oldest, file[1].st_atime))
            excess = sum(stat.st_size for _, stat in files) - self._max_bytes
            for path, stat in files:
                if excess <= 0 and stat.st_mtime >= oldest:
                    return
                path.unlink()
                excess -= stat.st_size


@contextmanager
def _logged() -> Iterator[None]:
    """A cache that fails, on a full disk say, fails no request."""
    try:
        yield
    except OSError as error:
        logger.warning("The cache of results: %s", error.strerror)
