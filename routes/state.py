"""What the routes share: made by the lifespan, found on the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from routes.parameters import StageDefaults
from routes.work import TranscriptionWork
from services.kept import Kept
from services.result_service import ResultService
from services.speaker_service import SpeakerService
from services.transcription import TranscriptionService
from utils.admission import Admission
from utils.catalogue import Catalogue
from utils.database import Database
from utils.model_manager import ModelManager
from utils.temp_manager import TempManager


@dataclass(frozen=True, slots=True)
class ServerState:
    transcription: TranscriptionService
    results: ResultService
    models: ModelManager
    catalogue: Catalogue
    admission: Admission
    temp: TempManager
    database: Database
    kept: Kept
    work: TranscriptionWork
    speakers: SpeakerService
    defaults: StageDefaults
    max_upload_bytes: int
    upload_idle_seconds: float


def state_of(request: Request) -> ServerState:
    return cast(ServerState, request.app.state.server)
