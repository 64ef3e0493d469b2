"""The server's domain values (not neural networks).

Times are integer samples at 16 kHz (`SAMPLE_RATE`); seconds appear only on the wire.
Every value is frozen and independent of HTTP and storage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000  # samples per second, throughout the server


def seconds(value: float) -> int:
    """Converts seconds to samples."""
    return round(value * SAMPLE_RATE)


Audio: TypeAlias = npt.NDArray[np.float32]
"""Mono samples in [-1, 1] at `SAMPLE_RATE`."""

Embedding: TypeAlias = bytes
"""A unit-length speaker embedding, packed by `utils.speakers.embedding`."""


@dataclass(frozen=True, slots=True)
class AudioClip:
    """A decoded recording: 16 kHz mono s16le on disk, read span by span."""

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
    """One unit of work. It owns `[start, stop)` and processes `[heard.start, heard.stop)`, which overlaps its
    neighbours."""

    index: int
    start: int
    stop: int
    heard: Span

    @property
    def shared_from(self) -> int:
        """Where the overlap with the next chunk begins; `stop` if there is no next chunk."""
        return 2 * self.stop - self.heard.stop

    @property
    def is_whole(self) -> bool:
        """Whether the chunk is the whole recording."""
        return self.heard == Span(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's bytes, which need not be whole characters, and its log-probability."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Input tokens of the recogniser, `text` (prompt) and `audio` (encoder positions, 50 per second), and its
    output tokens, summed over the windows."""

    text: int = 0
    audio: int = 0
    output: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(self.text + other.text, self.audio + other.audio, self.output + other.output)


@dataclass(frozen=True, slots=True)
class Word:
    """`text` keeps its leading space, so that the concatenated words of a segment are its text."""

    start: int
    stop: int
    text: str
    probability: float
    tokens: tuple[int, ...] = ()
    speaker: int | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowText:
    """The recogniser's output for one window; `words` and `logprobs` are empty unless requested."""

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
    """Contiguous text of one speaker. The decoding statistics are those of its window."""

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
    continues: bool = False  # the segment before, which was cut where the speaker changes
    language: str | None = None  # spoken; None in results of versions that did not tell


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """The next segments of a chunk, in order; later parts have none that begins before `until`."""

    segments: tuple[Segment, ...]
    until: int
    counts: TokenCounts = TokenCounts()

    @classmethod
    def joined(cls, parts: Sequence[ChunkPart], until: int) -> ChunkPart:
        segments = tuple(segment for part in parts for segment in part.segments)
        return cls(segments, until, sum((part.counts for part in parts), TokenCounts()))


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    start: int
    stop: int
    speaker: int


@dataclass(frozen=True, slots=True)
class Voice:
    """The mean embedding of one speaker, of unit length, and the samples of speech it was computed from."""

    speaker: int
    num_samples: int
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class ChunkSpeakers:
    """The diarization of one chunk, in samples of the recording; speaker numbers are local to the chunk."""

    turns: tuple[SpeakerTurn, ...] = ()
    voices: tuple[Voice, ...] = ()
    same_voice: float = 0.65  # minimum mean cosine to link voices with much speech; depends on the network
    finer: ChunkSpeakers | None = None
    """The same with at least the caller's minimum number of speakers, if fewer were found."""


@dataclass(frozen=True, slots=True)
class KnownVoice:
    name: str
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class KnownVoices:
    """Voices to name speakers after; `threshold` is the minimum cosine similarity."""

    voices: tuple[KnownVoice, ...] = ()
    threshold: float = 1.0


NO_KNOWN_VOICES = KnownVoices()


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """The result of one chunk, in samples of the recording, not yet merged with its neighbours."""

    chunk: Chunk
    language: str | None  # the one spoken last, also before the chunk if nobody speaks in it
    segments: tuple[Segment, ...]
    speakers: ChunkSpeakers
    counts: TokenCounts = TokenCounts()


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """How long segments in one language are."""

    code: str
    num_samples: int

    @classmethod
    def ranked(cls, lengths: Counter[str]) -> tuple[SpokenLanguage, ...]:
        """The most spoken first."""
        return tuple(cls(*found) for found in lengths.most_common())


@dataclass(frozen=True, slots=True)
class Transcript:
    """The whole recording. Speakers are numbered in order of first appearance; `segments` may be read from
    disk. `language` is the one spoken most."""

    language: str | None
    num_samples: int
    segments: Sequence[Segment]
    turns: tuple[SpeakerTurn, ...] = ()
    counts: TokenCounts = TokenCounts()
    names: tuple[str | None, ...] = ()  # by speaker number; speakers beyond its end are unnamed
    languages: tuple[SpokenLanguage, ...] = ()  # the most spoken first

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments).strip()

    @property
    def words(self) -> Iterator[Word]:
        return (word for segment in self.segments for word in segment.words)
