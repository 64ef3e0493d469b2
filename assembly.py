"""Everything wired together: settings in, models named, slots and services out."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from config import Settings
from models import SAMPLE_RATE
from routes.parameters import StageDefaults
from routes.state import ServerState
from services.alignment_service import Aligner
from services.audio_service import AudioService, Detector, VocalSeparator
from services.chunk_processor import Stages
from services.diarization_service import DiarizationService, Embedder
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
from utils.model_manager import ModelManager, ModelSlot, ModelSource
from utils.speech_map import seconds
from utils.temp_manager import TempManager

# The server calls nobody; these libraries would report their use.
for library in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ.setdefault(library, "1")
# The recogniser is given its threads; OpenMP's in torch would spin on the same cores, and both would take
# twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

BATCH_SIZES = {"cpu": 4, "cuda": 16}  # on a CPU more gains nothing, and others wait longer for their turn


@dataclass(frozen=True, slots=True)
class Loaders:
    """How each model is loaded; tests put their fakes here. A stage without a part is answered 501."""

    recogniser: ModelSource[Recogniser]
    detector: ModelSource[Detector]
    embedder: ModelSource[Embedder]
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
        recogniser=ModelSource(
            weights.name, lambda: WhisperEngine(weights.load(), settings.whisper_beam_size), device
        ),
        detector=ModelSource("silero-vad-v6", load_speech_detector),
        embedder=ModelSource("cam++", partial(load_voice_embedder, device), device),
        batch_size=BATCH_SIZES[device],
    )


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
        diarization=DiarizationService(voices) if voices else None,
        aligner=loaders.aligner,
        punctuator=loaders.punctuator,
    )
    slots: list[ModelSlot[Any]] = [slot for slot in (detector, whisper, voices) if slot]
    return ServerState(
        transcription=TranscriptionService(audio, stages, loaders.separator),
        models=ModelManager({slot.name: slot for slot in slots}),
        catalogue=Catalogue(loaders.recogniser.name, int(time.time())),
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


def _device(device: str) -> str:
    if device != "auto":
        return device
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
