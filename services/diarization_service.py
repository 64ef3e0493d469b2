"""Who speaks when in one chunk: windows of speech, their voices, clusters, turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from models import Audio, ChunkSpeakers, Embedding, Span, SpeakerCount, SpeakerTurn, Voice
from utils.model_manager import ModelSlot
from utils.speaker_activity import speaking_time
from utils.speaker_clustering import Labels, build_turns, cluster_voices, group_stretches, plan_windows

Embeddings = npt.NDArray[np.float32]
ReadSamples = Callable[[Span], Audio]

KNOWN_VOICE = 0.5  # cosine of a clip's voice and a speaker's; `python -m benchmarks known_speakers`


class Embedder(Protocol):
    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Embeddings: ...


EmbedderT = TypeVar("EmbedderT", bound=Embedder)


@dataclass(frozen=True, slots=True)
class VoiceNetwork:
    """What makes the voices of a diarizer. Only voices of one network can be compared; from a cosine of
    `known_voice` a speaker of a recording is whoever a clip was said to be of."""

    name: str
    known_voice: float


class Diarizer(Protocol):
    async def diarize(
        self, samples: ReadSamples, heard: Span, speech: Sequence[Span], count: SpeakerCount
    ) -> ChunkSpeakers:
        """Turns and voices of the chunk that hears `heard`, where `speech` are its regions of speech, all in
        samples of the recording; `samples(span)` reads that span of it."""
        ...

    @property
    def network(self) -> VoiceNetwork:
        """What makes its voices."""
        ...

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        """The one voice in the regions of `speech`, to compare with those of recordings; None where the
        backend itself hears no voice in them."""
        ...


class ClusteringDiarizer:
    """Windows of speech, told apart by their voices. It does not look at what lies between."""

    def __init__(self, slot: ModelSlot[Embedder]) -> None:
        self._slot = slot

    async def diarize(
        self,
        samples: ReadSamples,
        heard: Span,  # noqa: ARG002
        speech: Sequence[Span],
        count: SpeakerCount,
    ) -> ChunkSpeakers:
        windows = plan_windows(speech)
        if not windows:
            return ChunkSpeakers()
        rows = await embed_windows(self._slot, samples, windows)
        return await asyncio.to_thread(_tell_apart, rows, windows, speech, count)

    @property
    def network(self) -> VoiceNetwork:
        return VoiceNetwork(self._slot.model_name, KNOWN_VOICE)

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        return await embed_voice(self._slot, samples, plan_windows(speech))


async def embed_voice(
    slot: ModelSlot[EmbedderT], samples: ReadSamples, windows: Sequence[Span]
) -> Embedding | None:
    """The mean voice of `windows`, weighted by their length; None where there are none."""
    if not windows:
        return None
    lengths = np.array([window.num_samples for window in windows], dtype=np.float32)
    return unit_voice(lengths @ await embed_windows(slot, samples, windows))


async def embed_windows(
    slot: ModelSlot[EmbedderT], samples: ReadSamples, windows: Sequence[Span]
) -> Embeddings:
    """(n, d) unit rows, one per window; a stretch of overlapping windows is one step on the model."""
    rows = [await slot.run(partial(_embed_stretch, samples, stretch)) for stretch in group_stretches(windows)]
    return np.concatenate(rows)


def _embed_stretch(samples: ReadSamples, windows: Sequence[Span], model: Embedder) -> Embeddings:
    start, stop = windows[0].start, max(window.stop for window in windows)
    inside = [Span(window.start - start, window.stop - start) for window in windows]
    return model.embed(samples(Span(start, stop)), inside)


def _tell_apart(
    embeddings: Embeddings, windows: Sequence[Span], speech: Sequence[Span], count: SpeakerCount
) -> ChunkSpeakers:
    labels = cluster_voices(embeddings, windows, count)
    turns = build_turns(windows, labels, speech)
    return ChunkSpeakers(turns, mean_voices(turns, embeddings, windows, labels))


def mean_voices(
    turns: Sequence[SpeakerTurn], embeddings: Embeddings, windows: Sequence[Span], labels: Labels
) -> tuple[Voice, ...]:
    """The voice of everyone who has a turn: the mean of the windows so labelled, weighted by their length."""
    spoken = speaking_time(turns)
    lengths = np.array([window.num_samples for window in windows], dtype=np.float32)
    return tuple(
        Voice(speaker, spoken[speaker], unit_voice((lengths * (labels == speaker)) @ embeddings))
        for speaker in sorted(spoken)
    )


def unit_voice(embedding: npt.NDArray[np.float32]) -> Embedding:
    return tuple(float(x) for x in embedding / max(float(np.linalg.norm(embedding)), 1e-9))
