"""The durable services, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from services.durable.batch_service import BatchService
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner
from services.durable.job_service import JobService
from services.durable.upgrade import upgrade_jobs
from services.durable.work import TranscriptionWork
from utils.store.interface import Store

logger = logging.getLogger(__name__)

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
        await self.files.open()
        await self.jobs.open()

    async def run(self) -> None:
        """Run jobs, batches and expiry until cancelled; after an error, such as a full disk, they restart."""
        while True:
            try:
                await self._run_all()
            except Exception:
                logger.exception("Jobs and batches stopped; they restart in %d s", RECOVERY_SECONDS)
            await asyncio.sleep(RECOVERY_SECONDS)

    async def close(self) -> None:
        await self.store.connection.close()

    async def _run_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.runner.run())
            group.create_task(self.batches.run())
            group.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await self.files.sweep()
            await self.jobs.sweep()
            await asyncio.sleep(SWEEP_SECONDS)
