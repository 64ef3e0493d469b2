"""Files stored for callers: bodies on disk under generated ids, metadata in the store."""

from __future__ import annotations

import logging
import time
import uuid
from asyncio import to_thread
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from exceptions import NotFoundError
from utils.disk import keep_only, move
from utils.store.interface import FileStore
from utils.store.records import FileLimits, StoredFile
from utils.waiting.concurrency import finish_in_thread

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

BATCH_FILE_SECONDS = 30 * 24 * 3600  # batch files expire after 30 days by default, as in the hosted API


class FileService:
    def __init__(self, store: FileStore, folder: Path, limits: FileLimits, clock: Clock = time.time) -> None:
        self._store = store
        self._folder = folder
        self._limits = limits
        self._clock = clock

    async def open(self) -> None:
        """Remove bodies that a crashed server had not yet added to the store. Raises OSError."""
        await to_thread(keep_only, self._folder, await self._store.ids())

    async def check_room(self, new_bytes: int = 0) -> None:
        """Raises InsufficientStorageError, before an upload is read in vain."""
        await self._store.check_room(new_bytes, self._limits)

    async def create(
        self, owner: str, body: Path, filename: str, purpose: str, lifetime: int | None = None
    ) -> StoredFile:
        """Store `body`, for `lifetime` seconds if given. Raises InsufficientStorageError."""
        file = await self.take(owner, body, filename, purpose, lifetime)
        try:
            await self._store.add(file, self._limits)
        except Exception:
            await self.discard([file])
            raise
        return file

    async def take(
        self, owner: str, body: Path, filename: str, purpose: str, lifetime: int | None
    ) -> StoredFile:
        """Move `body` here. It is removed at the next start unless its metadata is added to the store."""
        if lifetime is None and purpose.startswith("batch"):
            lifetime = BATCH_FILE_SECONDS
        now = int(self._clock())
        expires = None if lifetime is None else now + lifetime
        file_id = f"file-{uuid.uuid4().hex}"
        size = await finish_in_thread(partial(self._take, body, file_id))
        return StoredFile(file_id, owner, filename, purpose, size, now, expires)

    async def discard(self, files: Sequence[StoredFile]) -> None:
        """Remove bodies that were taken and not added to the store."""
        for file in files:
            await finish_in_thread(partial(self.path(file.id).unlink, missing_ok=True))

    async def ids(self, owner: str) -> frozenset[str]:
        return await self._store.ids(owner)

    async def find(self, owner: str, file_id: str) -> StoredFile:
        """Raises NotFoundError, also for files of other owners."""
        return await self._store.find(owner, file_id)

    async def page(
        self, owner: str, purpose: str | None, after: str | None, is_descending: bool, limit: int
    ) -> Sequence[StoredFile]:
        """Raises InvalidRequestError when there is no file `after`."""
        return await self._store.page(owner, purpose, after, is_descending, limit)

    async def locate(self, owner: str, file_id: str) -> Path:
        """The path of its body. Raises NotFoundError, also if the body is gone."""
        await self.find(owner, file_id)
        path = self.path(file_id)
        if not await to_thread(path.exists):
            raise _gone(file_id)
        return path

    async def open_body(self, owner: str, file_id: str) -> tuple[StoredFile, BinaryIO]:
        """A file and its body, which a later delete does not take away. Raises as `locate` does."""
        file = await self.find(owner, file_id)
        try:
            return file, await to_thread(self.path(file_id).open, "rb")
        except FileNotFoundError as error:
            raise _gone(file_id) from error

    async def delete(self, owner: str, file_id: str) -> None:
        """Raises NotFoundError.

        The body goes first: on a full disk, that makes room for the database to write. A crash in between
        leaves a file without a body, which can be deleted still.
        """
        await self.find(owner, file_id)
        await finish_in_thread(partial(self.path(file_id).unlink, missing_ok=True))
        await self._store.delete(owner, file_id)

    async def sweep(self) -> None:
        """Delete what has expired."""
        for owner, file_id in await self._store.expired(self._clock()):
            try:
                await self.delete(owner, file_id)
            except NotFoundError:  # its owner was faster
                continue
            except OSError as error:
                logger.warning("%s has expired and cannot be deleted: %s", file_id, error.strerror)

    def path(self, file_id: str) -> Path:
        """The path of a file's body."""
        return self._folder / file_id

    def _take(self, body: Path, file_id: str) -> int:
        move(body, self.path(file_id))
        return self.path(file_id).stat().st_size


def _gone(file_id: str) -> NotFoundError:
    return NotFoundError(f"The file '{file_id}' was deleted.", param="file_id")
