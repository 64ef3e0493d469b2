"""Migration of version 0.1 jobs, which stored form fields, to jobs that store the accepted request."""

from __future__ import annotations

import json
import logging

from exceptions import TranscriptionServerError, UnexpectedError
from services.durable.job_runner import error_record
from services.durable.work import TASKS, TranscriptionWork
from services.requests.accepted import AcceptedRequest, accept, accept_for_any_format, encode_accepted
from services.requests.parameters import parse_parameters
from services.requests.stage_defaults import StageDefaults
from utils.store.interface import JobStore
from utils.store.records import Job

logger = logging.getLogger(__name__)


async def upgrade_jobs(store: JobStore, work: TranscriptionWork) -> None:
    """Their fields are parsed under the current defaults; a job whose fields are invalid now fails with the
    reason. Whether there are models for them is not asked: a result needs none, and a run will see."""
    while jobs := await store.unparsed():
        for job in jobs:
            try:
                request = _accepted(job, work.defaults)
            except TranscriptionServerError as error:
                await store.reject(job.id, error_record(error))
            except ValueError:
                logger.exception("%s cannot be upgraded", job.id)
                await store.reject(job.id, error_record(UnexpectedError()))
            else:
                await store.set_request(job.id, encode_accepted(request))


def _accepted(job: Job, defaults: StageDefaults) -> AcceptedRequest:
    """Raises InvalidRequestError, and ValueError for what is no list of fields."""
    fields = [(name, value) for name, value in json.loads(job.request)]
    if job.batch_id is None:
        return accept_for_any_format(fields, defaults)
    return accept(parse_parameters(fields, defaults, TASKS[job.endpoint]))
