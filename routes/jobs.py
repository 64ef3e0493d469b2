"""/v1/audio/transcriptions/{id}: transcriptions started with background=true, an extension of the API."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel

from exceptions import InvalidRequestError
from models import SAMPLE_RATE
from options import ResponseFormat
from routes.http.access import owner_of
from routes.http.body_stream import answer_body
from routes.http.errors import ErrorBody
from routes.http.event_stream import DONE, KEEP_ALIVE, KEEP_ALIVE_SECONDS, EventStream, ending_in_error
from routes.http.middleware import request_id_of
from routes.state import ServerState, state_of
from services.durable.job_service import JobReport
from services.durable.work import Fields
from services.result_service import Recording
from utils.answers import json_blocks
from utils.waiting.concurrency import with_pauses

router = APIRouter(prefix="/v1/audio/transcriptions", tags=["background transcriptions"])


class BackgroundTranscription(BaseModel):
    """`text` is the text so far; `result` is the response in the requested format, once completed. `speed` is
    in seconds of audio per second."""

    id: str
    object: Literal["transcription"] = "transcription"
    status: Literal["queued", "in_progress", "completed", "failed"]
    created_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None
    progress: float
    seconds_done: float
    seconds_total: float
    speed: float | None
    seconds_left: float | None
    text: str
    result: Any = None
    error: ErrorBody | None = None


class TranscriptionDeleted(BaseModel):
    id: str
    object: Literal["transcription"] = "transcription"
    deleted: Literal[True] = True


@router.get("/{job_id}", response_model=BackgroundTranscription)
async def retrieve_transcription(
    request: Request, job_id: str, response_format: ResponseFormat | None = None
) -> Response:
    """Progress, and the result in any format once it is completed."""
    state = state_of(request)
    report = await state.durable.jobs.report(owner_of(request), job_id, state.temp.root)
    result: Iterable[bytes] = [b"null"]
    if report.transcript is not None:
        body = await to_thread(state.durable.work.render, report.job, report.transcript, response_format)
        result = json_blocks.as_value(*body)
    description = describe(report).model_dump(exclude={"result"})
    return await answer_body(json_blocks.with_member(description, "result", result), json_blocks.MEDIA_TYPE)


@router.get("/{job_id}/content")
async def transcription_content(
    request: Request, job_id: str, response_format: ResponseFormat | None = None
) -> Response:
    """The result alone, as the response of the same request without background=true."""
    state = state_of(request)
    report = await state.durable.jobs.report(owner_of(request), job_id, state.temp.root)
    if report.transcript is None:
        raise InvalidRequestError(f"The transcription is {report.job.status}; no result is available.")
    body = await to_thread(state.durable.work.render, report.job, report.transcript, response_format)
    return await answer_body(*body)


@router.get(
    "/{job_id}/events", response_model=None, responses={200: {"content": {EventStream.media_type: {}}}}
)
async def transcription_events(
    request: Request,
    job_id: str,
    last_event_id: Annotated[int, Header(ge=0, le=2**53, description="Resume after this event.")] = 0,
) -> EventStream:
    """The events of stream=true, replayed from the start or after Last-Event-ID, then live."""
    state, owner = state_of(request), owner_of(request)
    await state.durable.jobs.check_events(owner, job_id, last_event_id)
    lines, request_id = _lines(state, owner, job_id, last_event_id), request_id_of(request)
    resources = AsyncExitStack()
    resources.enter_context(state.admission.watch(request_id))
    return EventStream(ending_in_error(lines, resources, request_id), resources)


@router.delete("/{job_id}")
async def delete_transcription(request: Request, job_id: str) -> TranscriptionDeleted:
    """Cancel it and delete its recording and text."""
    await state_of(request).durable.jobs.delete(owner_of(request), job_id)
    return TranscriptionDeleted(id=job_id)


async def start_job(state: ServerState, recording: Recording, fields: Fields) -> Response:
    """Queue a request with background=true."""
    request = await to_thread(state.durable.work.accept_background, fields)
    job = await state.durable.jobs.create(recording.owner, router.prefix, request, recording.path)
    return Response(describe(JobReport(job)).model_dump_json(), media_type=json_blocks.MEDIA_TYPE)


def describe(report: JobReport) -> BackgroundTranscription:
    """The state of a job, without its result."""
    job, running = report.job, report.running
    done, total, speed = job.samples_done, job.samples_total, None
    if running and running.progress.total:
        done, total = max(done, running.progress.done), running.progress.total
        elapsed = time.monotonic() - running.since
        speed = max(0, done - running.first_sample) / SAMPLE_RATE / elapsed or None
    if job.status == "completed":
        done = total
    return BackgroundTranscription(
        id=job.id,
        status=job.status,
        created_at=job.created_at,
        started_at=_unix_time(job.started_at),
        finished_at=_unix_time(job.finished_at),
        expires_at=_unix_time(job.expires_at),
        progress=1.0 if job.status == "completed" else done / total if total else 0.0,
        seconds_done=done / SAMPLE_RATE,
        seconds_total=total / SAMPLE_RATE,
        speed=speed,
        seconds_left=(total - done) / SAMPLE_RATE / speed if speed else None,
        text=report.text,
        error=ErrorBody(**job.error["error"]) if job.error else None,
    )


async def _lines(state: ServerState, owner: str, job_id: str, after: int) -> AsyncGenerator[bytes]:
    """Server-sent events of a job. Deleting the job, or starting it anew, ends the stream without an error;
    resuming it gets one."""
    with suppress(InvalidRequestError):
        events = state.durable.jobs.events(owner, job_id, after)
        async with aclosing(with_pauses(events, KEEP_ALIVE_SECONDS)) as stream:
            async for event in stream:
                yield KEEP_ALIVE if event is None else f"id: {event[0]}\ndata: {event[1]}\n\n".encode()
        if (await state.durable.jobs.find(owner, job_id)).status == "completed":
            yield DONE


def _unix_time(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
