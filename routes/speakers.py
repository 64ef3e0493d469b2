"""/v1/speakers: persistent speaker enrolment, an extension of the hosted API."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError

from exceptions import InvalidRequestError
from models import SAMPLE_RATE
from routes.http.access import owner_of
from routes.http.body_schema import multipart_body
from routes.http.disconnect import until_disconnect
from routes.http.errors import invalid_parameter
from routes.http.middleware import request_id_of
from routes.http.pages import Page, page_of
from routes.http.uploads import Fields, UploadReader
from routes.state import ServerState, state_of
from services.requests.speaker_names import SpeakerName
from services.voices.enrolment import LONGEST_CLIP, MAX_VOICES
from utils.store.records import EnrolledVoice

router = APIRouter(prefix="/v1/speakers", tags=["speakers"])

MAX_CLIPS = 10  # in one request
MAX_CLIPS_BYTES = 200 * 1024 * 1024
CLIP_ADVICE = f"a clip needs only 2 to {LONGEST_CLIP} seconds of speech"


class SpeakerForm(BaseModel):
    """The fields of an enrolment besides the clips."""

    name: SpeakerName


class Speaker(BaseModel):
    """`seconds` is the speech that the embedding was computed from. A speaker that is not `usable` was
    enrolled with another embedding model than the current one, and must be enrolled again."""

    id: str
    object: Literal["speaker"] = "speaker"
    name: str
    created_at: int
    clips: int
    seconds: float
    usable: bool


class SpeakerDeleted(BaseModel):
    id: str
    object: Literal["speaker"] = "speaker"
    deleted: Literal[True] = True


FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "file"],
    "properties": {
        "name": SpeakerForm.model_json_schema()["properties"]["name"],
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": MAX_CLIPS,
            "description": f"Clips of 2 to {LONGEST_CLIP} seconds in which only this speaker talks.",
        },
    },
}


@router.post(
    "",
    openapi_extra=multipart_body(FORM_SCHEMA),
)
async def enrol_speaker(request: Request) -> Speaker:
    """Enrol a speaker from clips, or add clips to the speaker of that name. No audio is stored."""
    state = state_of(request)
    state.speakers.require()
    owner = owner_of(request)
    with state.admission.admit(request_id_of(request), owner) as admitted:
        async with state.temp.workspace() as workspace:
            limit = min(state.max_upload_bytes, MAX_CLIPS_BYTES)
            reader = UploadReader(
                workspace,
                state.temp.room,
                limit,
                state.upload_idle_seconds,
                _parse,
                "name",
                MAX_CLIPS,
                CLIP_ADVICE,
            )
            upload, form = await reader.read(request, admitted.rate)
            if not upload.files:
                raise InvalidRequestError("The part 'file' with a clip is missing.", param="file")
            await until_disconnect(request, state.admission.begin(admitted))
            work = state.speakers.enrol(owner, form.name, upload.files)
            return _wire(state, await until_disconnect(request, work))


@router.get("")
async def list_speakers(request: Request) -> Page[Speaker]:
    state = state_of(request)
    found = await state.speakers.page(owner_of(request))
    return page_of([_wire(state, voice) for voice in found], MAX_VOICES)


@router.get("/{speaker_id}")
async def retrieve_speaker(request: Request, speaker_id: str) -> Speaker:
    state = state_of(request)
    return _wire(state, await state.speakers.find(owner_of(request), speaker_id))


@router.delete("/{speaker_id}")
async def delete_speaker(request: Request, speaker_id: str) -> SpeakerDeleted:
    """Delete a speaker: neither the embedding nor the name remains in the server's files."""
    await state_of(request).speakers.delete(owner_of(request), speaker_id)
    return SpeakerDeleted(id=speaker_id)


def _parse(fields: Fields) -> SpeakerForm:
    """Raises InvalidRequestError."""
    try:
        return SpeakerForm.model_validate(dict(fields))
    except ValidationError as error:
        raise invalid_parameter(error) from error


def _wire(state: ServerState, voice: EnrolledVoice) -> Speaker:
    return Speaker(
        id=voice.id,
        name=voice.name,
        created_at=voice.created_at,
        clips=voice.clips,
        seconds=round(voice.num_samples / SAMPLE_RATE, 3),
        usable=state.speakers.is_usable(voice),
    )
