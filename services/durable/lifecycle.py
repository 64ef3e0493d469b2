"""The durable services, started and stopped together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from exceptions import DataFolderError
from models import KnownVoices
from services.durable.batch_service import BatchService
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner
from services.durable.job_service import JobService
from services.durable.upgrade import upgrade_jobs
from services.durable.work import TRANSCRIPTIONS, Fields, TranscriptionWork
from utils.store.interface import Store
from utils.waiting.supervision import supervised

SWEEP_SECONDS = 60
RECOVERY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DurableServices:
    store: Store
    work: TranscriptionWork
    files: FileService
    runner: JobRunner
    jobs: JobService
    batches: BatchService

    async def open(self) -> None:
        """Restore what an earlier run left in the data folder. Raises DataFolderError."""
        await self.store.connection.open()
        await upgrade_jobs(self.store.jobs, self.work)
        try:
            await self.files.open()
            await self.jobs.open()
        except OSError as error:
            raise DataFolderError(
                f"The data folder cannot be used ({error}): it must be writable; set DATA_DIR."
            ) from error

    async def run(self) -> None:
        """Run jobs, batches and expiry until cancelled. What fails in one stops none of the others."""
        async with asyncio.TaskGroup() as group:
            for name, work, pause_seconds in (
                ("jobs", self.runner.run, RECOVERY_SECONDS),
                ("batches", self.batches.run, RECOVERY_SECONDS),
                ("expiry of files", self.files.sweep, SWEEP_SECONDS),
                ("expiry of jobs", self.jobs.sweep, SWEEP_SECONDS),
                ("expiry of batches", self.batches.sweep, SWEEP_SECONDS),
            ):
                group.create_task(supervised(name, work, pause_seconds))

    async def transcribe_recording(
        self, owner: str, job_id: str, fields: Fields, voices: KnownVoices, recording: Path
    ) -> None:
        """Queue a background transcription that knows voices already; moves the recording. Raises
        InvalidRequestError, OverloadedError, InsufficientStorageError."""
        request = await asyncio.to_thread(self.work.accept_recording, fields, voices)
        await self.jobs.create(owner, TRANSCRIPTIONS, request, recording, job_id)

    async def close(self) -> None:
        await self.store.connection.close()
