"""Workspaces: one temporary folder per request, deleted when the request ends."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from utils.disk import disk_full_translated
from utils.waiting.concurrency import finish_in_thread

logger = logging.getLogger(__name__)

PREFIX = "transcription-server-"
LOCK = "lock"


class TempManager:
    """A private folder of this server under `parent`, with one workspace per request inside.

    The folder is locked while the server runs; folders left by crashed servers are swept at start.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        unlocked = self.root / "unlocked"
        self._lock = unlocked.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unlocked.rename(self.root / LOCK)  # a sweep must not see the lock before it is held

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Path]:
        """Raises InsufficientStorageError."""
        with disk_full_translated():
            path = Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield path
        finally:  # in a thread: deleting gigabytes takes a while
            await finish_in_thread(partial(shutil.rmtree, path, ignore_errors=True))

    def close(self) -> None:
        _remove(self.root)
        self._lock.close()


def _remove(root: Path) -> None:
    """The lock goes last: without it no later sweep would find the rest of an interrupted removal."""
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for lock_path in parent.glob(f"{PREFIX}*/{LOCK}"):
        if lock_path.parent.is_symlink():
            continue
        with suppress(OSError):  # its server has just exited or still runs, or the lock is a symlink
            descriptor = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(lock_path.parent)
                logger.info("swept the temporary folder of an earlier server")
            finally:
                os.close(descriptor)
