"""Data that flows through the server, not neural networks.

Times are integer samples at 16 kHz (`SAMPLE_RATE`); seconds appear only on the wire.
Every value is frozen and knows nothing of HTTP or of storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000  # samples per second, everywhere inside


def seconds(value: float) -> int:
    """Seconds as samples."""
    return round(value * SAMPLE_RATE)


Audio: TypeAlias = npt.NDArray[np.float32]
"""Mono samples in [-1, 1] at `SAMPLE_RATE`."""

Embedding: TypeAlias = bytes
"""The direction of a voice, of length 1, as `utils.speakers.embedding` packs it."""


@dataclass(frozen=True, slots=True)
class AudioClip:
    """A decoded recording: 16 kHz mono s16le on disk, of which only what is asked for is read."""

    path: Path
    num_samples: int

    @property
    def seconds(self) -> float:
        return self.num_samples / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of samples `[start, stop)`."""

    start: int
    stop: int

    @property
    def num_samples(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Chunk:
    """One unit of work. It owns what is said in `[start, stop)` and hears `[heard.start, heard.stop)`,
    which reaches into its neighbours."""

    index: int
    start: int
    stop: int
    heard: Span

    @property
    def shared_from(self) -> int:
        """From here on the next chunk hears too; `stop` if there is none."""
        return 2 * self.stop - self.heard.stop

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the recording."""
        return self.heard == Span(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's bytes, which need not be whole characters, and the log of its probability."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """What the recogniser was given, as text and as positions of its encoder (50 a second), and what it
    gave back, the windows of all chunks together."""

    text: int = 0
    audio: int = 0
    output: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(self.text + other.text, self.audio + other.audio, self.output + other.output)


@dataclass(frozen=True, slots=True)
class Word:
    """`text` keeps its leading space, so that joining the words of a segment gives its text."""

    start: int
    stop: int
    text: str
    probability: float
    tokens: tuple[int, ...] = ()
    speaker: int | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowText:
    """What the recogniser made of one window; `words` and `logprobs` are empty where they were not asked
    for."""

    text: str
    tokens: tuple[int, ...]
    words: tuple[Word, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    logprobs: tuple[TokenLogprob, ...] = ()
    counts: TokenCounts = TokenCounts()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one voice. The decoder's figures are those of the window it came from."""

    start: int
    stop: int
    text: str
    words: tuple[Word, ...]
    tokens: tuple[int, ...]
    window_start: int
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    speaker: int | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """Segments of a chunk as they come, in order; none that begins before `until` is still to come."""

    segments: tuple[Segment, ...]
    until: int
    counts: TokenCounts = TokenCounts()


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    start: int
    stop: int
    speaker: int


@dataclass(frozen=True, slots=True)
class Voice:
    """The mean voice of one speaker: a unit embedding and the speech it was taken from."""

    speaker: int
    num_samples: int
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class ChunkSpeakers:
    """Who speaks when in one chunk, in samples of the recording; numbers mean nothing outside the chunk."""

    turns: tuple[SpeakerTurn, ...] = ()
    voices: tuple[Voice, ...] = ()
    same_voice: float = 0.65  # mean cosine from which voices that say much are one; each network has its own
    finer: ChunkSpeakers | None = None
    """The same with as many speakers as the whole recording was said to have, where fewer were heard."""


@dataclass(frozen=True, slots=True)
class KnownVoice:
    name: str
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class KnownVoices:
    """The voices whose names a recording's speakers may take, from a cosine of `threshold`."""

    voices: tuple[KnownVoice, ...] = ()
    threshold: float = 1.0


NO_KNOWN_VOICES = KnownVoices()


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What was heard in one chunk, in samples of the recording, not yet merged with its neighbours."""

    chunk: Chunk
    language: str | None
    segments: tuple[Segment, ...]
    speakers: ChunkSpeakers
    counts: TokenCounts = TokenCounts()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The whole recording. Speakers are numbered in order of first appearance; the segments of a long one
    may lie on disk."""

    language: str | None
    num_samples: int
    segments: Sequence[Segment]
    turns: tuple[SpeakerTurn, ...] = ()
    counts: TokenCounts = TokenCounts()
    names: tuple[str | None, ...] = ()  # of speakers by number; who is not in it has none

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments).strip()

    @property
    def words(self) -> Iterator[Word]:
        return (word for segment in self.segments for word in segment.words)
