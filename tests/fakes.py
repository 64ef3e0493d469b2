"""One tiny fake for each seam."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from exceptions import ModelFailedError
from models import SAMPLE_RATE, Audio, Span, WindowText, Word
from options import DecodeOptions, SpeakerCount
from seams import DetectorState, EncodedWindow, SeparationLayout, WindowFeatures
from services.diarization_service import ClusteringDiarizer
from utils.audio.overlap_add import Samples
from utils.audio_utils import SoundFormat
from utils.decoding.blocks import Decoding
from utils.decoding.tracks import TrackChoice
from utils.model_manager import ModelManager, ModelSource
from utils.speakers.activity import ActivityRules, SeatLayout
from utils.speakers.local_speakers import FRAME as NETWORK_FRAME
from utils.speakers.local_speakers import FRAME_CENTRE, WINDOW_FRAMES
from utils.speech.speech_map import FRAME, Probabilities
from utils.words.ctc_viterbi import TokenSpan
from utils.words.punctuation import NO_MARK
from utils.words.spelling import Alphabet

Rows = npt.NDArray[np.float32]

SEAT_HERTZ = (300, 700, 1100, 1500)
SEAT_FRAME = 1280
PITCHES = 16  # that the fake voices tell apart
LOUD = 0.01  # mean amplitude above which the fake detector hears speech


class DirectDecoder:
    """Decodes in the process that asks."""

    @asynccontextmanager
    async def open(
        self, source: Path, target: SoundFormat, choice: TrackChoice
    ) -> AsyncIterator[DirectlyDecoded]:
        with source.open("rb") as file:
            yield DirectlyDecoded(Decoding(file, target, choice))


class DirectlyDecoded:
    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding

    @property
    def claimed_samples(self) -> int:
        return self._decoding.claimed_samples

    async def __aiter__(self) -> AsyncIterator[npt.NDArray[Any]]:
        for block in self._decoding.blocks():
            yield block


class LoudnessDetector:
    """Speech is whatever is loud."""

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]:
        frames = np.pad(block, (0, -len(block) % FRAME)).reshape(-1, FRAME)
        return (np.abs(frames).mean(axis=1) > LOUD).astype(np.float32), state


class ScriptedRecogniser:
    """Says `w`, four tokens, for every second of a window; counts its calls, and may be slow or held at a
    gate."""

    def __init__(self, seconds_per_batch: float = 0.0, gate: threading.Event | None = None) -> None:
        self.batches: list[int] = []
        self.options: list[DecodeOptions] = []
        self._pause = seconds_per_batch
        self._gate = gate

    def num_mels(self) -> int:
        return 80

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        return [EncodedWindow(np.zeros(1, np.float32), window.num_samples) for window in windows]

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        return {"en": 0.6, "de": 0.3, "fr": 0.1}

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        return [self.language_probabilities(window) for _ in parts]

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        self.before_decode(windows, options)
        self.batches.append(len(windows))
        self.options += options
        time.sleep(self._pause)
        if self._gate:
            self._gate.wait(30)
        return self.after_decode(
            [self._text(window.num_samples // SAMPLE_RATE, words, temperature) for window in windows]
        )

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        """For subclasses, such as those that fail."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        """For subclasses that say something else."""
        return texts

    def _text(self, seconds: int, words: bool, temperature: float) -> WindowText:
        count = max(1, seconds)
        said = tuple(
            Word(n * SAMPLE_RATE, n * SAMPLE_RATE + SAMPLE_RATE // 2, " w", 0.9, (n, n, n, n))
            for n in range(count)
        )
        tokens = tuple(token for word in said for token in word.tokens)
        return WindowText(" w" * count, tokens, said if words else (), temperature, -0.2, 1.0, 0.01)


class PitchEmbedder:
    """A voice is its mean frequency: tones far apart are different speakers."""

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Rows:
        return self.embed_parts(stretch, [(window,) for window in windows])

    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> Rows:
        heard = [np.concatenate([stretch[span.start : span.stop] for span in spans]) for spans in voices]
        return np.eye(PITCHES, dtype=np.float32)[[pitch_band(audio) for audio in heard]]


class PitchSegmenter:
    """Whatever is loud speaks, one at a time; tones far apart have their own seats."""

    def segment(self, windows: Rows) -> Rows:
        return np.stack([self._classes(window) for window in windows])

    def _classes(self, window: Audio) -> Rows:
        heard = sliding_window_view(window, 2 * FRAME_CENTRE)[::NETWORK_FRAME][:WINDOW_FRAMES]
        crossings = np.count_nonzero(np.diff(np.signbit(heard)), axis=1)
        bands = pitch_bands(crossings, 2 * FRAME_CENTRE)
        is_loud = np.abs(heard).mean(axis=1) > LOUD
        return np.eye(7, dtype=np.float32)[np.where(is_loud, 1 + bands % 3, 0)]


def pitch_band(audio: Audio) -> int:
    crossings = np.count_nonzero(np.diff(np.signbit(audio)))
    return int(pitch_bands(np.array(crossings), max(len(audio), 1)))


def pitch_bands(crossings: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Bands of 200 Hz, by how often a sound of this length crosses zero."""
    return np.minimum(PITCHES - 1, (crossings * SAMPLE_RATE / length / 2 // 200).astype(np.int64))


def fake_diarizer(models: ModelManager, network: str = "pitch") -> ClusteringDiarizer:
    """Tells tones apart by their pitch."""
    return ClusteringDiarizer(
        models.add("segmentation", ModelSource("pitch", PitchSegmenter)),
        models.add("voices", ModelSource(network, PitchEmbedder)),
    )


class MemorisedLabeller:
    """Knows from a table what follows a word; remembers the windows it was shown, and may fail."""

    def __init__(self, marks: Mapping[str, str], fails: bool = False) -> None:
        self.windows: list[tuple[str, ...]] = []
        self._marks = marks
        self._fails = fails

    def label(self, words: tuple[str, ...]) -> tuple[str, ...]:
        self.windows.append(words)
        if self._fails:
            raise ModelFailedError("out of memory")
        return tuple(self._marks.get(word, NO_MARK) for word in words)


class ToneSeats:
    """A seat for each tone of SEAT_HERTZ, heard in the frame that it sounds in; tones may sound together."""

    def layout(self) -> SeatLayout:
        rules = ActivityRules(pad_before=0, pad_after=0)
        return SeatLayout(len(SEAT_HERTZ), SEAT_FRAME, 4 * SAMPLE_RATE, rules)

    def step(self, audio: Audio, state: Audio | None, is_last: bool) -> tuple[Rows, Audio]:
        """The state is what is left of the audio: less than a frame."""
        audio = audio if state is None else np.concatenate([state, audio])
        whole = len(audio) // SEAT_FRAME * SEAT_FRAME
        frames = np.pad(audio, (0, -len(audio) % SEAT_FRAME)) if is_last else audio[:whole]
        spectrum = np.abs(np.fft.rfft(frames.reshape(-1, SEAT_FRAME))) / SEAT_FRAME
        bins = [hertz * SEAT_FRAME // SAMPLE_RATE for hertz in SEAT_HERTZ]
        return (spectrum[:, bins] > LOUD).astype(np.float32), audio[whole:]


class PitchVoices(PitchEmbedder):
    """Clusters by pitch, and remembers how many it was asked for."""

    def __init__(self) -> None:
        self.counts: list[SpeakerCount] = []

    def cluster(
        self, scales: Sequence[tuple[Rows, Sequence[Span]]], count: SpeakerCount, most: int
    ) -> npt.NDArray[np.int64]:
        self.counts.append(count)
        labels = np.unique(scales[-1][0].argmax(axis=1), return_inverse=True)[1]
        return np.minimum(labels, (count.maximum or most) - 1).astype(np.int64)


class ScriptedCtc:
    """Knows small letters, and says of every text that it is where the script puts it."""

    def __init__(self, place: Callable[[Audio, Sequence[int]], tuple[TokenSpan, ...] | None]) -> None:
        self._place = place

    def alphabet(self) -> Alphabet:
        return Alphabet({letter: index for index, letter in enumerate(ascii_lowercase, start=1)})

    def align(self, audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...] | None:
        return self._place(audio, tokens)


class LeftChannelSeparator:
    """The voices are what the left channel holds; notes the lengths of its segments, and takes its time."""

    def __init__(self, seconds_per_segment: float = 0.0) -> None:
        self.lengths: list[int] = []
        self.has_started = threading.Event()
        self._pause = seconds_per_segment

    def layout(self) -> SeparationLayout:
        return SeparationLayout(sample_rate=44_100, segment=30_000, weights=(1.0, 3.0))

    def separate(self, block: Samples, offset: int, length: int) -> Samples:
        self.lengths.append(length)
        self.has_started.set()
        time.sleep(self._pause)
        left = block[:1, offset : offset + length]
        return np.broadcast_to(left, (2, 2, length)).copy()
