"""POST /v1/audio/transcriptions."""

from __future__ import annotations

from asyncio import to_thread
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter, Request, Response

from exceptions import InvalidRequestError
from options import Task
from routes.http.access import owner_of
from routes.http.body_schema import form_body
from routes.http.body_stream import answer_body
from routes.http.disconnect import until_disconnect
from routes.http.event_stream import answer_events
from routes.http.middleware import request_id_of
from routes.http.paths import deployment_of
from routes.http.uploads import Fields, UploadReader
from routes.jobs import BackgroundTranscription, start_job
from routes.state import ServerState, state_of
from services.requests.form import TranscriptionForm
from services.requests.known_speakers import with_known_voices
from services.requests.parameters import TranscriptionRequest, parse_parameters, with_model
from services.result_service import Recording
from services.voices.enrolment import NO_KNOWN_SPEAKERS
from utils.answers.wire import TranscriptionDiarizedJson, TranscriptionJson, TranscriptionVerboseJson
from utils.response_formatter import render
from utils.waiting.progress import Progress
from utils.waiting.upload_rate import UploadRate

router = APIRouter(prefix="/v1/audio", tags=["audio"])


@router.post(
    "/transcriptions",
    response_model=TranscriptionJson
    | TranscriptionVerboseJson
    | TranscriptionDiarizedJson
    | BackgroundTranscription,
    openapi_extra=form_body(TranscriptionForm),
)
async def create_transcription(request: Request) -> Response:
    """Transcribe a recording. Invalid parameters are rejected before the upload is read."""
    return await answer(request, Task.TRANSCRIBE)


async def answer(request: Request, task: Task) -> Response:
    state = state_of(request)
    async with AsyncExitStack() as stack:
        admitted = stack.enter_context(state.admission.admit(request_id_of(request), owner_of(request)))
        workspace = await stack.enter_async_context(state.temp.workspace())
        params, recording, fields = await _receive(request, state, workspace, task, admitted.rate)
        if params.background:
            return await start_job(state, recording, fields)
        await until_disconnect(request, state.admission.begin(admitted))
        if params.stream:
            events = state.results.stream(recording, params.options, workspace, admitted.progress)
            return await answer_events(request, events, params.answer, stack)
        return await until_disconnect(request, _answer(state, params, recording, admitted.progress))


async def _receive(
    request: Request, state: ServerState, workspace: Path, task: Task, rate: UploadRate
) -> tuple[TranscriptionRequest, Recording, Fields]:
    deployment = deployment_of(request)

    def parse(fields: Fields) -> TranscriptionRequest:
        if deployment and all(name != "model" for name, _ in fields):
            fields.append(("model", deployment))  # to the form itself: a job parses it again
        params = parse_parameters(fields, state.defaults, task)
        options = with_model(params.options, state.catalogue)
        state.transcription.require(options)
        return replace(params, options=options)

    reader = UploadReader(
        workspace, state.temp.room, state.max_upload_bytes, state.upload_idle_seconds, parse, "model"
    )
    upload, params = await reader.read(request, rate)
    if upload.file is None:
        raise InvalidRequestError("The part 'file' with the recording is missing.", param="file")
    owner = owner_of(request)
    options = await with_known_voices(params.options, params.known, state.speakers, owner, workspace)
    # Drops the clips, which may take megabytes.
    params = replace(params, options=options, known=NO_KNOWN_SPEAKERS)
    fields = upload.fields if params.background else []  # only a job needs them again
    return params, Recording(upload.file, upload.digest, owner), fields


async def _answer(
    state: ServerState,
    params: TranscriptionRequest,
    recording: Recording,
    progress: Progress,
) -> Response:
    transcript, source = await state.results.transcribe(recording, params.options, progress)
    blocks, media_type = await to_thread(render, transcript, params.answer)
    return await answer_body(blocks, media_type, {"x-cache": source})
