"""Jobs of version 0.1, which kept the fields of their forms, made jobs that keep what was accepted."""

from __future__ import annotations

import json

from exceptions import TranscriptionServerError
from services.durable.job_runner import error_record
from services.durable.work import TranscriptionWork
from utils.store.interface import JobStore


async def upgrade_jobs(store: JobStore, work: TranscriptionWork) -> None:
    """Their fields meet the settings of today once more; what cannot be parsed now fails and says why."""
    while jobs := await store.unparsed():
        for job in jobs:
            fields = [(name, value) for name, value in json.loads(job.request)]
            try:
                if job.batch_id is None:
                    request = work.accept_background(fields)
                else:
                    request = work.accept_line(job.endpoint, fields)
            except TranscriptionServerError as error:
                await store.reject(job.id, error_record(error))
            else:
                await store.set_request(job.id, request)
