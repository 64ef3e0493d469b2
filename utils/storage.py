"""What a full disk is called."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from exceptions import InsufficientStorageError


@contextmanager
def full_disk_named() -> Iterator[None]:
    """Raises InsufficientStorageError in place of the OSError of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InsufficientStorageError("The disk of this server cannot hold the recording.") from error
        raise
