"""On-disk cache of finished results, bounded in size and age."""

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
    """Bytes by key, one file each in a private folder. The least recently used are evicted first, those older
    than `max_seconds` always. Blocking: call it in threads. Files, because a result may be large, a rename
    makes it appear whole, and deleting the folder empties the cache."""

    def __init__(
        self, folder: Path, max_bytes: int, max_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._sweep_lock = threading.Lock()

    def open(self, key: str) -> IO[bytes] | None:
        """For the caller to read and close; None if it is absent or expired."""
        path = self._folder / key
        try:
            created = path.stat().st_mtime
            if not self._max_bytes or self._clock() - created > self._max_seconds:
                return None
            file = path.open("rb")
            os.utime(path, (self._clock(), created))  # access time for eviction, modification time for expiry
        except OSError:
            return None
        return file

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """A result larger than the whole cache is not stored."""
        if not self._max_bytes:
            return
        with _logged():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._write(self._folder / key, pieces)
        self.sweep()

    def delete(self, key: str) -> None:
        with _logged():
            (self._folder / key).unlink(missing_ok=True)

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
            except OSError:  # the disk is full: free what was written
                part.unlink(missing_ok=True)
                raise

    def sweep(self) -> None:
        """Delete expired results, then the least recently used until the rest fits."""
        oldest = self._clock() - self._max_seconds
        with _logged(), self._sweep_lock:
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
    """A cache error, such as a full disk, must not fail the request."""
    try:
        yield
    except OSError as error:
        logger.warning("Result cache: %s", error.strerror)
