"""POST /v1/audio/translations."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from options import Task
from routes.http.body_schema import form_body
from routes.transcriptions import answer
from services.requests.form import TranscriptionForm
from utils.answers.wire import TranscriptionJson, TranscriptionVerboseJson

router = APIRouter(prefix="/v1/audio", tags=["audio"])


@router.post(
    "/translations",
    response_model=TranscriptionJson | TranscriptionVerboseJson,
    openapi_extra=form_body(TranscriptionForm),
)
async def create_translation(request: Request) -> Response:
    """Translate speech into English. Same fields as a transcription, except diarized_json and alignment."""
    return await answer(request, Task.TRANSLATE)
