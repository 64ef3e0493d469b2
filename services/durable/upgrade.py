"""Migration of version 0.1 jobs, which stored form fields, to jobs that store the accepted request."""

from __future__ import annotations

import json

from exceptions import TranscriptionServerError
from services.durable.job_runner import error_record
from services.durable.work import TranscriptionWork
from utils.store.interface import JobStore


async def upgrade_jobs(store: JobStore, work: TranscriptionWork) -> None:
    """Their fields are parsed under the current settings; a job whose fields are invalid now fails with
    the reason."""
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
