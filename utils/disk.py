"""What a full disk is called, and whether there is room."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exceptions import InsufficientStorageError

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_full_translated() -> Iterator[None]:
    """Raises InsufficientStorageError in place of the error of a full disk, the file system's or SQLite's."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise _no_room() from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise _no_room() from error
        raise


def check_room(folder: Path, num_bytes: int) -> None:
    """Raises InsufficientStorageError where `folder` cannot hold so much, before any work on it."""
    if num_bytes > shutil.disk_usage(folder).free:
        raise _no_room()


def move(source: Path, target: Path) -> None:
    """Perhaps onto another disk; half of a file does not stay there. Raises InsufficientStorageError."""
    try:
        with disk_full_translated():
            shutil.move(source, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _no_room() -> InsufficientStorageError:
    return InsufficientStorageError("The disk of this server has no room for this; try again later.")
