"""Files that callers keep here: bodies on disk under ids of our own, what is known of them in SQLite."""

from __future__ import annotations

import time
import uuid
from asyncio import to_thread
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from utils.disk import move
from utils.store import files as file_store
from utils.store.database import Database
from utils.store.files import FileLimits, StoredFile
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]

BATCH_FILE_SECONDS = 30 * 24 * 3600  # files for batches expire after 30 days unless told otherwise, as hosted


class FileService:
    def __init__(
        self, database: Database, folder: Path, limits: FileLimits, clock: Clock = time.time
    ) -> None:
        self._database = database
        self._folder = folder
        self._limits = limits
        self._clock = clock

    async def open(self) -> None:
        """Remove bodies that a server which died had not yet, or no longer, written down."""
        known = await self._database.run(file_store.ids)
        await to_thread(self._keep_only, known)

    async def check_room(self, new_bytes: int = 0) -> None:
        """Raises InsufficientStorageError before an upload is read for nothing."""
        await self._database.run(
            lambda connection: file_store.check_room(connection, new_bytes, self._limits)
        )

    async def create(
        self, owner: str, body: Path, filename: str, purpose: str, lasts: int | None = None
    ) -> StoredFile:
        """Take `body` over; it lasts so many seconds. Raises InsufficientStorageError."""
        file = await self.take(owner, body, filename, purpose, lasts)
        try:
            await self._database.run(lambda connection: self._insert(connection, file))
        except Exception:
            await finish_in_thread(self.path(file.id).unlink)
            raise
        return file

    async def take(
        self, owner: str, body: Path, filename: str, purpose: str, lasts: int | None
    ) -> StoredFile:
        """Move `body` here. It is swept at the next start unless it is written down (`file_store.insert`)."""
        if lasts is None and purpose.startswith("batch"):
            lasts = BATCH_FILE_SECONDS
        now = int(self._clock())
        expires = None if lasts is None else now + lasts
        file_id = f"file-{uuid.uuid4().hex}"
        size = await finish_in_thread(partial(self._take, body, file_id))
        return StoredFile(file_id, owner, filename, purpose, size, now, expires)

    async def find(self, owner: str, file_id: str) -> StoredFile:
        """Raises NotFoundError, also for the files of others."""
        return await self._database.run(lambda connection: file_store.find(connection, owner, file_id))

    async def page(
        self, owner: str, purpose: str | None, after: str | None, is_descending: bool, limit: int
    ) -> Sequence[StoredFile]:
        """Raises InvalidRequestError when there is no file `after`."""
        return await self._database.run(
            lambda connection: file_store.page(connection, owner, purpose, after, is_descending, limit)
        )

    async def delete(self, owner: str, file_id: str) -> None:
        """Raises NotFoundError."""
        await self._database.run(lambda connection: file_store.delete(connection, owner, file_id))
        await finish_in_thread(partial(self.path(file_id).unlink, missing_ok=True))

    async def sweep(self) -> None:
        """Delete what has expired."""
        expired = await self._database.run(
            lambda connection: file_store.delete_expired(connection, self._clock())
        )
        for file_id in expired:
            await finish_in_thread(partial(self.path(file_id).unlink, missing_ok=True))

    def path(self, file_id: str) -> Path:
        """Where the body of a file that was found lies."""
        return self._folder / file_id

    def _insert(self, connection: Connection, file: StoredFile) -> None:
        file_store.check_room(connection, file.bytes, self._limits)
        file_store.insert(connection, file)

    def _take(self, body: Path, file_id: str) -> int:
        move(body, self.path(file_id))
        return self.path(file_id).stat().st_size

    def _keep_only(self, known: frozenset[str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()
