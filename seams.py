"""The seams between services and networks: a protocol for each kind of model, and the values that cross it.

Services call these, `backends/` implements them, tests fake them. Times are samples at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from models import Audio, ChunkSpeakers, Span, WindowText
from options import DecodeOptions, SpeakerCount
from utils.audio.overlap_add import Samples
from utils.speakers.activity import Activity, SeatLayout
from utils.speakers.voice_windows import Labels
from utils.speech.speech_map import Probabilities
from utils.words.ctc_viterbi import TokenSpan
from utils.words.spelling import Alphabet

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""(n, d) unit rows, one a voice."""

Classes: TypeAlias = npt.NDArray[np.float32]
"""(windows, frames, classes) probabilities of who talks."""

DETECTOR_CONTEXT = 64  # samples of the frame before that the detector sees
DETECTOR_STATE = (1, 1, 128)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedWindow:
    """What the recogniser's encoder made of one window: (frames, features), and how long the window is."""

    states: npt.NDArray[np.generic]
    num_samples: int


class Recogniser(Protocol):
    """Every call is one short step; what the model made of a window goes out and comes in again with it."""

    def encode(self, windows: Sequence[Audio]) -> list[EncodedWindow]: ...

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]: ...

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]: ...


@dataclass(frozen=True, slots=True, eq=False)
class DetectorState:
    """What the detector remembers of the audio so far; it belongs to a recording, never to the model."""

    hidden: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(DETECTOR_STATE, np.float32))
    cell: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(DETECTOR_STATE, np.float32))
    context: Audio = field(default_factory=lambda: np.zeros(DETECTOR_CONTEXT, np.float32))


class Detector(Protocol):
    """Speech detection."""

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]: ...


class Segmenter(Protocol):
    def segment(self, windows: npt.NDArray[np.float32]) -> Classes:
        """Probabilities for n windows of ten seconds, (n, samples)."""
        ...


class Embedder(Protocol):
    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Embeddings:
        """One row per window, which are in samples of `stretch`."""
        ...


class PartsEmbedder(Embedder, Protocol):
    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> Embeddings:
        """One row per voice, heard in some spans of `stretch` and no others."""
        ...


class SeatModel(Protocol):
    """Diarization with a seat for each speaker, in steps."""

    def layout(self) -> SeatLayout: ...

    def step(self, audio: Audio, state: Any, is_last: bool) -> tuple[Activity, Any]:
        """(frames, seats) of what `audio` completes; the state goes back in with the next step."""
        ...


class VoiceModel(Embedder, Protocol):
    """Embeddings that bring a clustering of their own."""

    def cluster(
        self, scales: Sequence[tuple[Embeddings, Sequence[Span]]], count: SpeakerCount, most: int
    ) -> Labels: ...


class ChunkModel(Protocol):
    """Diarization of a whole chunk in one call."""

    def diarize(self, audio: Audio) -> ChunkSpeakers:
        """Turns and voices of `audio`, in its own samples."""
        ...


SEPARATION_CHANNELS = 2  # stereo


@dataclass(frozen=True, slots=True)
class SeparationLayout:
    """How a model wants its sound: the rate, the samples of a segment, the weights of its estimates."""

    sample_rate: int
    segment: int
    weights: tuple[float, ...]


class SeparationModel(Protocol):
    """Vocal separation, a segment at a time."""

    def layout(self) -> SeparationLayout: ...

    def separate(self, block: Samples, offset: int, length: int) -> Samples: ...


class CtcModel(Protocol):
    """The acoustic model of forced alignment."""

    def alphabet(self) -> Alphabet: ...

    def align(self, audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...] | None:
        """Where in `audio`, in samples, each token is said; None where they cannot fit."""


class MarkLabeller(Protocol):
    """Punctuation restoration."""

    def label(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """What follows each word of a window, one of `utils.words.punctuation.LABELS`."""
