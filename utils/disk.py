"""Free-space checks, one error for a full disk, and room that is kept for deletions."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exceptions import InsufficientStorageError

logger = logging.getLogger(__name__)

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# SQLite distinguishes only ENOSPC: a quota or a limit on file sizes is a write error, without its errno.
NO_SPACE_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)

RESERVE_BYTES = 4 * 1024 * 1024  # more than the deletion of one page of a transcript writes
RESERVE_SHARE = 4  # of a small disk, at most one in so many free bytes is reserved


@contextmanager
def disk_full_translated() -> Iterator[None]:
    """Raises InsufficientStorageError in place of a full-disk error of the file system or SQLite."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise no_space() from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in NO_SPACE_SQLITE:
            raise no_space() from error
        raise


def move(source: Path, target: Path) -> None:
    """Also across disks; a partial copy is removed. Raises InsufficientStorageError."""
    try:
        with disk_full_translated():
            shutil.move(source, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Delete the other files of `folder`, which is created if missing. Folders in it, such as `lost+found`,
    are not ours and stay; a file that cannot be deleted is logged."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name in names or (path.is_dir() and not path.is_symlink()):
            continue
        try:
            path.unlink()
        except OSError as error:
            logger.warning("%s cannot be deleted: %s", path, error.strerror)


class Reserve:
    """A file of zeros that keeps disk space for deletions: on a full disk, a database must write before it
    can delete. Blocking."""

    def __init__(self, path: Path, num_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._num_bytes = num_bytes

    def fill(self) -> None:
        """As far as there is room."""
        with suppress(OSError):
            held = self._path.stat().st_size if self._path.exists() else 0
            room = held + shutil.disk_usage(self._path.parent).free
            if held < (wanted := min(self._num_bytes, room // RESERVE_SHARE)):
                with self._path.open("ab") as file:
                    file.write(bytes(wanted - held))
                self._path.chmod(0o600)

    def release(self) -> None:
        with suppress(OSError):
            self._path.write_bytes(b"")


def no_space() -> InsufficientStorageError:
    return InsufficientStorageError("The disk of this server lacks the space for this; try again later.")
