"""The application: settings in, services wired, routes mounted."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

# The server calls nobody; onnxruntime would report its use.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# The recogniser is given its threads; OpenMP's in torch would spin on the same cores, and both would take
# twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from config import Settings
from exceptions import TranscriptionServerError
from models import SAMPLE_RATE
from routes import health, models, transcriptions
from routes.errors import add_error_handlers
from routes.middleware import RequestIdMiddleware
from routes.parameters import StageDefaults
from routes.state import ServerState
from services.alignment_service import Aligner
from services.audio_service import AudioService, Detector, VocalSeparator
from services.chunk_processor import Stages
from services.diarization_service import ClusteringDiarizer, Embedder
from services.punctuation_service import Punctuator
from services.speech_detector import load_speech_detector
from services.transcription import TranscriptionService
from services.voice_embedder import load_voice_embedder
from services.whisper_engine import WhisperEngine
from services.whisper_service import Recogniser, WhisperService
from services.whisper_weights import find_weights
from utils.admission import Admission
from utils.catalogue import Catalogue
from utils.chunk_planner import ChunkLimits
from utils.model_manager import ModelManager, ModelSlot
from utils.speech_map import seconds
from utils.temp_manager import TempManager

logger = logging.getLogger(__name__)

BATCH_SIZES = {"cpu": 4, "cuda": 16}  # on a CPU more gains nothing, and others wait longer for their turn
SHUTDOWN_SECONDS = 5  # requests in hand may take so long to finish before they are ended


@dataclass(frozen=True, slots=True)
class Loaders:
    """How each model is loaded; tests put their fakes here. A stage without a part is answered 501."""

    name: str
    recogniser: Callable[[], Recogniser]
    detector: Callable[[], Detector] = load_speech_detector
    embedder: Callable[[], Embedder] = load_voice_embedder
    separator: VocalSeparator | None = None
    aligner: Aligner | None = None
    punctuator: Punctuator | None = None
    batch_size: int = BATCH_SIZES["cpu"]


def default_loaders(settings: Settings) -> Loaders:
    """The models that the settings name. Raises ModelUnavailableError when one cannot be there."""
    device = _device(settings.device)
    threads = settings.cpu_threads or len(os.sched_getaffinity(0))
    weights = find_weights(settings.whisper_model, device, settings.whisper_compute_type, threads)
    return Loaders(
        name=weights.name,
        recogniser=lambda: WhisperEngine(weights.load(), settings.whisper_beam_size),
        batch_size=BATCH_SIZES[device],
        embedder=lambda: load_voice_embedder(device),
    )


def create_app(settings: Settings, loaders: Loaders | None = None) -> FastAPI:
    loaders = loaders or default_loaders(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = build_state(settings, loaders)
        app.state.server = state
        sweeper = asyncio.create_task(_unload_idle(state.models, settings.model_idle_seconds))
        try:
            if settings.preload:
                await _preload(state.models)
            yield
        finally:
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper
            await asyncio.to_thread(state.models.close)
            state.temp.close()

    app = FastAPI(title="Transcription server", lifespan=lifespan)
    app.add_middleware(RequestIdMiddleware)
    add_error_handlers(app)
    for router in (transcriptions.router, models.router, health.router):
        app.include_router(router)
    return app


def build_state(settings: Settings, loaders: Loaders) -> ServerState:
    """Everything wired together, with no model loaded yet."""
    whisper: ModelSlot[Recogniser] = ModelSlot("whisper", loaders.recogniser)
    detector: ModelSlot[Detector] = ModelSlot("speech", loaders.detector)
    voices: ModelSlot[Embedder] | None = None
    if settings.enable_speaker_diarization:
        voices = ModelSlot("voices", loaders.embedder)
    limits = ChunkLimits(seconds(settings.chunk_seconds), seconds(settings.chunk_overlap_seconds))
    audio = AudioService(detector, limits, round(settings.max_audio_hours * 3600 * SAMPLE_RATE))
    stages = Stages(
        whisper=WhisperService(whisper, settings.whisper_batch_size or loaders.batch_size),
        diarization=ClusteringDiarizer(voices) if voices else None,
        aligner=loaders.aligner,
        punctuator=loaders.punctuator,
    )
    slots: list[ModelSlot[Any]] = [slot for slot in (detector, whisper, voices) if slot]
    return ServerState(
        transcription=TranscriptionService(audio, stages, loaders.separator),
        models=ModelManager({slot.name: slot for slot in slots}),
        catalogue=Catalogue(loaders.name, int(time.time())),
        admission=Admission(settings.max_requests),
        temp=TempManager(settings.workspace_dir),
        defaults=StageDefaults(
            diarize=settings.enable_speaker_diarization,
            separate_vocals=settings.enable_vocal_separation,
            align=settings.enable_alignment,
            restore_punctuation=settings.enable_punctuation_restoration,
        ),
        max_upload_bytes=settings.max_upload_bytes,
        upload_idle_seconds=settings.upload_idle_seconds,
    )


async def _preload(models: ModelManager) -> None:
    try:
        await models.load_all()
    except TranscriptionServerError as error:
        logger.critical("Cannot start: %s", error.message)
        raise RuntimeError("a model cannot be loaded") from None


async def _unload_idle(models: ModelManager, idle_seconds: float) -> None:
    while idle_seconds:
        await asyncio.sleep(min(idle_seconds, 60) / 2)
        await models.unload_idle(idle_seconds)


def _device(device: str) -> str:
    if device != "auto":
        return device
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"


def main() -> None:
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"Cannot start: a setting is wrong.\n{error}")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        app = create_app(settings)
    except TranscriptionServerError as error:
        sys.exit(f"Cannot start: {error.message}")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
