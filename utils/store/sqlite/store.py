"""The store in one SQLite file."""

from __future__ import annotations

from pathlib import Path

from utils.store.interface import Store
from utils.store.sqlite.batches import SqliteBatches
from utils.store.sqlite.database import Database
from utils.store.sqlite.files import SqliteFiles
from utils.store.sqlite.jobs import SqliteJobs
from utils.store.sqlite.voices import SqliteVoices


def sqlite_store(path: Path) -> Store:
    """Must be opened before use."""
    database = Database(path)
    return Store(
        database, SqliteJobs(database), SqliteBatches(database), SqliteFiles(database), SqliteVoices(database)
    )
