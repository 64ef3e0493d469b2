"""`VoiceStore` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection

from exceptions import InvalidRequestError
from utils.speakers.voice_matching import mean_voice
from utils.store.records import EnrolledVoice
from utils.store.sqlite import voice_rows as rows
from utils.store.sqlite.database import Database


class SqliteVoices:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def enrol(self, voice: EnrolledVoice, limit: int) -> EnrolledVoice:
        def enrol(connection: Connection) -> EnrolledVoice:
            known = rows.find_by_name(connection, voice.owner, voice.name)
            if known is None and rows.count(connection, voice.owner) >= limit:
                raise InvalidRequestError(f"You have {limit} speakers, the maximum; delete some first.")
            merged = _merged(known, voice) if known else voice
            rows.put(connection, merged)
            return merged

        return await self._database.run(enrol)

    async def of_owner(self, owner: str) -> Sequence[EnrolledVoice]:
        return await self._database.run(lambda connection: rows.of_owner(connection, owner))

    async def find(self, owner: str, voice_id: str) -> EnrolledVoice:
        return await self._database.run(lambda connection: rows.find(connection, owner, voice_id))

    async def delete(self, owner: str, voice_id: str) -> None:
        await self._database.run_and_purge(lambda connection: rows.delete(connection, owner, voice_id))


def _merged(known: EnrolledVoice, new: EnrolledVoice) -> EnrolledVoice:
    """Keeps the known id; embeddings of two networks have no mean, so the new one replaces the known."""
    if known.network != new.network:
        return replace(new, id=known.id, created_at=known.created_at)
    parts = [(voice.embedding, voice.num_samples) for voice in (known, new)]
    return replace(
        known,
        clips=known.clips + new.clips,
        num_samples=known.num_samples + new.num_samples,
        embedding=mean_voice(parts),
    )
