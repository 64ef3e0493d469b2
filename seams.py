"""Interfaces between services and models: a protocol for each kind of model, and the values it exchanges.

Services call these, `backends/` implements them, tests fake them. Times are samples at 16 kHz.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from models import Audio, ChunkSpeakers, Span, WindowText
from options import DecodeOptions, SpeakerCount
from utils.audio.gain import QUIETEST
from utils.audio.log_mel import LogMel
from utils.audio.overlap_add import Samples
from utils.audio_utils import SoundFormat
from utils.decoding.tracks import TrackChoice
from utils.speakers.activity import Activity, SeatLayout
from utils.speakers.voice_windows import Labels
from utils.speech.speech_map import Probabilities
from utils.words.ctc_viterbi import TokenSpan
from utils.words.spelling import Alphabet

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""(n, d): one unit-length embedding per row."""

Classes: TypeAlias = npt.NDArray[np.float32]
"""(windows, frames, classes) probabilities of the sets of active speakers."""

DETECTOR_CONTEXT = 64  # samples of the previous frame, prepended to each frame
DETECTOR_STATE = (1, 1, 128)


class DecodedAudio(Protocol):
    """A file that is being decoded: iterated for (channels, n) blocks of some ten seconds, each decoded when
    it is asked for. `claimed_samples` is what its container declares, 0 for nothing."""

    @property
    def claimed_samples(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[npt.NDArray[Any]]: ...


class Decoder(Protocol):
    """Decodes audio files of any kind, at the rate of the target."""

    def open(
        self, source: Path, target: SoundFormat, choice: TrackChoice
    ) -> AbstractAsyncContextManager[DecodedAudio]:
        """Raises InvalidAudioError, in the blocks too; InvalidRequestError for a track that is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowFeatures:
    """The log mel energies of one window, its length, and the length up to which the encoder hears silence
    after it."""

    mel: LogMel
    num_samples: int
    context: int


@dataclass(frozen=True, slots=True, eq=False)
class EncodedWindow:
    """The encoder states of one window, (frames, features), and its length."""

    states: npt.NDArray[np.generic]
    num_samples: int


class Recogniser(Protocol):
    """Every call is one short step. The model is stateless: the caller passes encoded windows back in."""

    def num_mels(self) -> int:
        """The mel bins of its input."""
        ...

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]: ...

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]: ...

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        """The probability of each language in each of `parts`, which hold all speech of the window, in its
        samples."""
        ...

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]: ...


@dataclass(frozen=True, slots=True, eq=False)
class NetworkState:
    """Recurrent state of the detector's network, and the end of what it heard last."""

    hidden: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(DETECTOR_STATE, np.float32))
    cell: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(DETECTOR_STATE, np.float32))
    context: Audio = field(default_factory=lambda: np.zeros(DETECTOR_CONTEXT, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class DetectorState:
    """What the detector knows of a recording so far; it belongs to the recording, never to the model."""

    plain: NetworkState = NetworkState()
    faint: NetworkState = NetworkState()
    """Of the network that hears faint sound raised."""
    level: float = QUIETEST
    """Of recent sound, in dB of full scale."""
    wait: int = 0
    """Frames to wait, as speech has only just ended, before faint sound is heard."""


class Detector(Protocol):
    """Speech detection."""

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]: ...


class Segmenter(Protocol):
    def segment(self, windows: npt.NDArray[np.float32]) -> Classes:
        """Probabilities for n windows of ten seconds; `windows` is (n, samples)."""
        ...


class Embedder(Protocol):
    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Embeddings:
        """One row per window; windows are in samples of `stretch`."""
        ...


class PartsEmbedder(Embedder, Protocol):
    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> Embeddings:
        """One row per voice, pooled over the given spans of `stretch` only."""
        ...


class SeatModel(Protocol):
    """Streaming diarization with a fixed number of seats, outputs that each follow one speaker."""

    def layout(self) -> SeatLayout: ...

    def step(self, audio: Audio, state: Any, is_last: bool) -> tuple[Activity, Any]:
        """(frames, seats) for the frames that `audio` completes, and the state to pass to the next step."""
        ...


class VoiceModel(Embedder, Protocol):
    """An embedding model with its own clustering."""

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
    """Input format of a model: sample rate, samples per segment, and the weight of each of its estimates."""

    sample_rate: int
    segment: int
    weights: tuple[float, ...]


class SeparationModel(Protocol):
    """Vocal separation, one segment per call."""

    def layout(self) -> SeparationLayout: ...

    def separate(self, block: Samples, offset: int, length: int) -> Samples: ...


class CtcModel(Protocol):
    """The acoustic model of forced alignment."""

    def alphabet(self) -> Alphabet: ...

    def align(self, audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...] | None:
        """The span of each token in samples of `audio`; None if they cannot fit."""


class MarkLabeller(Protocol):
    """Punctuation restoration."""

    def label(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The mark after each word of a window, one of `utils.words.punctuation.LABELS`."""
