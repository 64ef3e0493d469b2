"""Composition root: wires settings and model loaders into slots, services and the server state."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Before numpy is imported below, whose BLAS reads the number of threads once. The recogniser has its own
# thread pool; threads of BLAS, or of torch in the processes of the studio, would spin on the same cores, and
# both would take twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# These libraries would send telemetry.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
# oneDNN caches a compiled primitive for every audio length: by default a thousand, some hundred megabytes.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")

from config import MEBIBYTE, Settings
from loaders import Loaders
from models import SAMPLE_RATE, seconds
from routes.state import RealtimeLimits, ServerState
from seams import Decoder, Detector
from services.alignment_service import AlignmentService
from services.audio_service import AudioService
from services.chunk_processor import Stages
from services.chunk_runner import LocalChunkRunner
from services.diarization_service import Diarizer
from services.durable.batch_service import BatchService
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner
from services.durable.job_service import JobService
from services.durable.lifecycle import DurableServices
from services.durable.work import TranscriptionWork
from services.live.live_service import LiveService
from services.live.recording import SessionStore
from services.punctuation_service import PunctuationService
from services.requests.live_session import LiveRequests
from services.requests.stage_defaults import StageDefaults
from services.result_service import ResultService
from services.separation_service import VocalSeparationService
from services.transcription import TranscriptionService
from services.voices.clips import VoiceService
from services.voices.enrolment import SpeakerService
from services.whisper_pool import WhisperPool
from services.whisper_service import WhisperService
from utils.catalogue import Catalogue
from utils.decoding.process_decoder import ProcessDecoder
from utils.model_manager import ModelManager, ModelSlot
from utils.speech.chunk_planner import ChunkLimits
from utils.store.fingerprint import fingerprint
from utils.store.interface import Store
from utils.store.records import FileLimits
from utils.store.result_cache import ResultCache
from utils.store.sqlite.store import sqlite_store
from utils.temp_manager import TempManager
from utils.waiting.admission import Admission
from utils.workspace_room import WorkspaceRoom

MAX_FILES = 100_000

IRRELEVANT = {
    "abandoned_seconds",
    "allowed_hosts",
    "api_keys",
    "api_keys_file",
    "cors_origins",
    "forwarded_allow_ips",
    "host",
    "live_sessions",
    "max_connections",
    "port",
    "realtime_idle_seconds",
    "realtime_max_minutes",
    "result_cache_hours",
    "result_cache_mb",
    "root_path",
}
"""Settings on which no transcript depends."""


def build_state(settings: Settings, loaders: Loaders) -> ServerState:
    """The server state; no model is loaded yet."""
    models = ModelManager()
    decoder = ProcessDecoder()
    detector = models.add("speech", loaders.detector)
    diarizer = loaders.diarizer(models) if loaders.diarizer else None
    voices = VoiceService(decoder, detector, diarizer, settings.known_speaker_threshold) if diarizer else None
    whisper = _whispers(settings, loaders, models)
    chunks = LocalChunkRunner(_stages(settings, loaders, models, whisper, diarizer))
    temp = TempManager(settings.workspace_dir)
    audio = _audio(settings, loaders, models, decoder, temp.room, detector)
    transcription = TranscriptionService(audio, chunks)
    catalogue = _catalogue(settings, loaders)
    defaults = StageDefaults(
        diarize=settings.enable_speaker_diarization,
        separate_vocals=settings.enable_vocal_separation,
        align=settings.enable_alignment,
        restore_punctuation=settings.enable_punctuation_restoration,
    )
    store = sqlite_store(settings.data_folder / "server.db")
    speakers = SpeakerService(store.voices, voices)
    results = _results(settings, loaders, transcription, temp)
    temp.room.give_way = results.cancel_oldest_abandoned
    work = TranscriptionWork(transcription, catalogue, defaults, speakers)
    durable = _durable(settings, store, work, temp)
    return ServerState(
        transcription=transcription,
        results=results,
        models=models,
        decoder=decoder,
        catalogue=catalogue,
        admission=Admission(settings.max_requests),
        temp=temp,
        durable=durable,
        speakers=speakers,
        defaults=defaults,
        max_upload_bytes=settings.max_upload_bytes,
        upload_idle_seconds=settings.upload_idle_seconds,
        live=LiveService(
            whisper,
            detector,
            diarizer,
            SessionStore(temp, durable.transcribe_recording),
            settings.live_sessions,
        ),
        live_requests=LiveRequests(catalogue, transcription, speakers, temp),
        realtime=RealtimeLimits(settings.realtime_idle_seconds, settings.realtime_max_minutes),
    )


def _results(
    settings: Settings, loaders: Loaders, transcription: TranscriptionService, temp: TempManager
) -> ResultService:
    return ResultService(
        transcription,
        temp,
        _cache(settings),
        _fingerprint(settings, loaders),
        settings.abandoned_seconds,
        max_abandoned=settings.max_requests,
    )


def _audio(
    settings: Settings,
    loaders: Loaders,
    models: ModelManager,
    decoder: Decoder,
    room: WorkspaceRoom,
    detector: ModelSlot[Detector],
) -> AudioService:
    separator = loaders.separator
    return AudioService(
        decoder,
        room,
        detector,
        ChunkLimits(seconds(settings.chunk_seconds), seconds(settings.chunk_overlap_seconds)),
        max_samples=round(settings.max_audio_hours * 3600 * SAMPLE_RATE),
        separator=VocalSeparationService(models.add("separation", separator), decoder) if separator else None,
    )


def _stages(
    settings: Settings,
    loaders: Loaders,
    models: ModelManager,
    whisper: WhisperPool,
    diarizer: Diarizer | None,
) -> Stages:
    aligner, labeller = loaders.aligner, loaders.punctuator
    languages = frozenset(settings.punctuation_languages.split(","))
    return Stages(
        whisper=whisper,
        diarization=diarizer,
        aligner=AlignmentService(models.add("alignment", aligner)) if aligner else None,
        punctuator=PunctuationService(models.add("punctuation", labeller), languages) if labeller else None,
    )


def _catalogue(settings: Settings, loaders: Loaders) -> Catalogue:
    return Catalogue(
        loaders.recogniser.name,
        int(time.time()),
        installed=loaders.installed,
        downloads=settings.allow_model_downloads,
        extras=loaders.named_recogniser is not None and settings.max_extra_models > 0,
        own_is_published=not Path(settings.whisper_model).is_dir(),
    )


def _whispers(settings: Settings, loaders: Loaders, models: ModelManager) -> WhisperPool:
    batches = loaders.batches.resized(settings.whisper_batch_size)

    def add(model: str) -> WhisperService:
        source = loaders.named_recogniser(model) if loaders.named_recogniser else loaders.recogniser
        return WhisperService(
            models.add(f"whisper {model}", source, is_extra=True), batches, loaders.contexts
        )

    return WhisperPool(
        WhisperService(models.add("whisper", loaders.recogniser), batches, loaders.contexts),
        loaders.recogniser.name,
        add,
        lambda model: models.remove(f"whisper {model}"),
        settings.max_extra_models,
    )


def _cache(settings: Settings) -> ResultCache:
    return ResultCache(
        settings.data_folder / "results",
        settings.result_cache_mb * MEBIBYTE,
        settings.result_cache_hours * 3600,
    )


def _fingerprint(settings: Settings, loaders: Loaders) -> str:
    """Identifies models, compute types, versions and all settings but the irrelevant ones."""
    model = loaders.recogniser
    return fingerprint(
        Path(__file__).parent, [model.name, model.device, settings.model_dump_json(exclude=IRRELEVANT)]
    )


def _durable(settings: Settings, store: Store, work: TranscriptionWork, temp: TempManager) -> DurableServices:
    folder = settings.data_folder
    files = FileService(store.files, folder / "files", FileLimits(settings.files_max_bytes, MAX_FILES))
    retention_seconds = settings.job_retention_hours * 3600
    spool = folder / "jobs"
    runner = JobRunner(store.jobs, spool, files, temp, work, settings.jobs_at_once, retention_seconds)
    jobs = JobService(store.jobs, spool, runner, settings.max_jobs)
    batches = BatchService(store.batches, files, runner, temp, work)
    return DurableServices(store, work, files, runner, jobs, batches)
