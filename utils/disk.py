"""Free-space checks, and one error for a full disk."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exceptions import InsufficientStorageError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_full_translated() -> Iterator[None]:
    """Raises InsufficientStorageError in place of a full-disk error of the file system or SQLite."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise _no_space() from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise _no_space() from error
        raise


def check_room(folder: Path, num_bytes: int) -> None:
    """Raises InsufficientStorageError if `folder` lacks the space, before any work is done."""
    if num_bytes > shutil.disk_usage(folder).free:
        raise _no_space()


def move(source: Path, target: Path) -> None:
    """Also across disks; a partial copy is removed. Raises InsufficientStorageError."""
    try:
        with disk_full_translated():
            shutil.move(source, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _no_space() -> InsufficientStorageError:
    return InsufficientStorageError("The disk of this server lacks the space for this; try again later.")
