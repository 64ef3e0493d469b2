"""State shared by the routes, created by the lifespan and stored on the application."""

from __future__ import annotations

from asyncio import Event, to_thread
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import HTTPConnection

from services.durable.lifecycle import DurableServices
from services.live.interface import LiveSessions
from services.live.secrets import ClientSecrets
from services.requests.live_session import LiveRequest, LiveRequests
from services.requests.stage_defaults import StageDefaults
from services.result_service import ResultService
from services.transcription import TranscriptionService
from services.voices.enrolment import SpeakerService
from utils.catalogue import Catalogue
from utils.decoding.process_decoder import ProcessDecoder
from utils.model_manager import ModelManager
from utils.temp_manager import TempManager
from utils.waiting.admission import Admission
from utils.waiting.drain import Drain


@dataclass(frozen=True, slots=True)
class RealtimeLimits:
    """Of one connection; 0 minutes for no limit."""

    idle_seconds: float
    max_minutes: float


@dataclass(frozen=True, slots=True)
class ServerState:
    transcription: TranscriptionService
    results: ResultService
    models: ModelManager
    decoder: ProcessDecoder
    catalogue: Catalogue
    admission: Admission
    temp: TempManager
    durable: DurableServices
    speakers: SpeakerService
    defaults: StageDefaults
    max_upload_bytes: int
    upload_idle_seconds: float
    live: LiveSessions
    live_requests: LiveRequests
    realtime: RealtimeLimits
    secrets: ClientSecrets[LiveRequest] = field(default_factory=ClientSecrets)
    drain: Drain = field(default_factory=Drain)
    """Of the live sessions."""
    listening: Event = field(default_factory=Event)
    """Set once the port is open; only then are models loaded."""
    loaded: Event = field(default_factory=Event)
    """Set once the models are loaded, or at once where each is loaded on first use."""

    async def close(self) -> None:
        """End all work and free what it used; what is durable stays."""
        self.results.close()
        await to_thread(self.models.close)
        await self.results.wait_closed()
        await self.durable.close()
        await to_thread(self.decoder.close)
        self.temp.close()


def state_of(request: HTTPConnection) -> ServerState:
    return cast(ServerState, request.app.state.server)
