"""Workspaces: one temporary folder per request, deleted when the request ends."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

from exceptions import TranscriptionServerError, WorkspaceFolderError
from utils.disk import disk_full_translated
from utils.waiting.concurrency import finish_in_thread
from utils.workspace_room import WorkspaceRoom

logger = logging.getLogger(__name__)

PREFIX = "transcription-workspaces-"


class TempManager:
    """A private folder of this server under `parent`, with one workspace per request inside.

    The folder is locked while the server runs: systemd-tmpfiles leaves locked folders alone, and those that
    nobody locks, of servers that crashed, are swept at start. `room` is shared by the workspaces.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """Raises WorkspaceFolderError, InsufficientStorageError."""
        self.room = WorkspaceRoom()
        with _errors_translated():
            self._parent = parent or Path(tempfile.gettempdir())
        with _errors_translated(f" '{self._parent}', by user {os.geteuid()}"):
            self._parent.mkdir(parents=True, exist_ok=True)
            _sweep(self._parent)
            self._root, self._lock = _locked_folder(self._parent)

    @property
    def root(self) -> Path:
        """The folder, made anew if somebody has removed it. Raises as the constructor does."""
        if not self._root.is_dir():
            logger.warning("the folder of the workspaces has been removed; it is made anew")
            with _errors_translated():
                self._parent.mkdir(parents=True, exist_ok=True)
                root, lock = _locked_folder(self._parent)
            os.close(self._lock)
            self._root, self._lock = root, lock
        return self._root

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Path]:
        """Raises WorkspaceFolderError, InsufficientStorageError."""
        root = self.root
        with _errors_translated():
            path = Path(tempfile.mkdtemp(dir=root))
        try:
            yield path
        finally:  # in a thread: deleting gigabytes takes a while
            self.room.release(path)
            await finish_in_thread(partial(shutil.rmtree, path, ignore_errors=True))

    def is_usable(self) -> bool:
        """Whether there can be workspaces."""
        with suppress(TranscriptionServerError):
            return os.access(self.root, os.W_OK | os.X_OK)
        return False

    def close(self) -> None:
        with suppress(OSError):  # somebody has removed it
            remove_folder(self._root, self._lock)
        os.close(self._lock)


@contextmanager
def _errors_translated(whose: str = "") -> Iterator[None]:
    """`whose` is for the operator, who reads a message at the start; later ones go to clients."""
    try:
        with disk_full_translated():
            yield
    except OSError as error:
        raise WorkspaceFolderError(
            f"The folder for recordings (WORKSPACE_DIR) cannot be used{whose}: {error.strerror}."
        ) from error


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """A new folder and a descriptor of it that holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(FileNotFoundError):  # a server that starts as well has swept it before it was locked
            descriptor = open_folder(path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another sweep has just removed it, or it is not a folder
            descriptor = open_folder(path)
            try:
                if os.fstat(descriptor).st_uid != os.geteuid():
                    continue
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if its server still runs
                remove_folder(path, descriptor)
                logger.info("swept the temporary folder of an earlier server")
            finally:
                os.close(descriptor)


def open_folder(path: Path) -> int:
    """Its descriptor. Raises OSError for a link to a folder."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def remove_folder(path: Path, descriptor: int) -> None:
    """Remove it by its descriptor: somebody could put a link in place of the folder that was checked."""
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, ignore_errors=True, dir_fd=descriptor)
            else:
                os.unlink(entry.name, dir_fd=descriptor)
    path.rmdir()
