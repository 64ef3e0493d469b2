"""Files stored for callers: bodies on disk under generated ids, metadata in the store."""

from __future__ import annotations

import time
import uuid
from asyncio import to_thread
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from utils.disk import move
from utils.store.interface import FileStore
from utils.store.records import FileLimits, StoredFile
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]

BATCH_FILE_SECONDS = 30 * 24 * 3600  # batch files expire after 30 days by default, as in the hosted API


class FileService:
    def __init__(self, store: FileStore, folder: Path, limits: FileLimits, clock: Clock = time.time) -> None:
        self._store = store
        self._folder = folder
        self._limits = limits
        self._clock = clock

    async def open(self) -> None:
        """Remove bodies that a crashed server had not yet added to the store, or already deleted from it."""
        await to_thread(self._keep_only, await self._store.ids())

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
            await finish_in_thread(self.path(file.id).unlink)
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

    async def delete(self, owner: str, file_id: str) -> None:
        """Raises NotFoundError."""
        await self._store.delete(owner, file_id)
        await finish_in_thread(partial(self.path(file_id).unlink, missing_ok=True))

    async def sweep(self) -> None:
        """Delete what has expired."""
        for file_id in await self._store.delete_expired(self._clock()):
            await finish_in_thread(partial(self.path(file_id).unlink, missing_ok=True))

    def path(self, file_id: str) -> Path:
        """The path of a file's body."""
        return self._folder / file_id

    def _take(self, body: Path, file_id: str) -> int:
        move(body, self.path(file_id))
        return self.path(file_id).stat().st_size

    def _keep_only(self, known: frozenset[str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()
