"""Who speaks when in one chunk: windows of speech, their voices, clusters, turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models import Audio, ChunkSpeakers, Span, SpeakerCount, Voice
from utils.model_manager import ModelSlot
from utils.speaker_clustering import build_turns, cluster_voices, group_stretches, plan_windows

Embeddings = npt.NDArray[np.float32]
ReadSamples = Callable[[Span], Audio]


class Embedder(Protocol):
    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Embeddings: ...


class DiarizationService:
    def __init__(self, slot: ModelSlot[Embedder]) -> None:
        self._slot = slot

    async def diarize(
        self, samples: ReadSamples, speech: Sequence[Span], count: SpeakerCount
    ) -> ChunkSpeakers:
        """Turns and voices of one chunk; `samples(span)` reads that span of the recording."""
        windows = plan_windows(speech)
        if not windows:
            return ChunkSpeakers()
        rows = [
            await self._slot.run(partial(_embed_stretch, samples, stretch))
            for stretch in group_stretches(windows)
        ]
        return await asyncio.to_thread(_tell_apart, np.concatenate(rows), windows, speech, count)


def _embed_stretch(samples: ReadSamples, windows: Sequence[Span], model: Embedder) -> Embeddings:
    start, stop = windows[0].start, windows[-1].stop
    inside = [Span(window.start - start, window.stop - start) for window in windows]
    return model.embed(samples(Span(start, stop)), inside)


def _tell_apart(
    embeddings: Embeddings, windows: Sequence[Span], speech: Sequence[Span], count: SpeakerCount
) -> ChunkSpeakers:
    labels = cluster_voices(embeddings, windows, count)
    turns = build_turns(windows, labels, speech)
    spoken = {turn.speaker: 0 for turn in turns}
    for turn in turns:
        spoken[turn.speaker] += turn.stop - turn.start
    lengths = np.array([window.num_samples for window in windows], dtype=np.float32)
    voices = [
        Voice(speaker, spoken[speaker], _mean_voice(embeddings, lengths * (labels == speaker)))
        for speaker in sorted(spoken)
    ]
    return ChunkSpeakers(turns, tuple(voices))


def _mean_voice(embeddings: Embeddings, weights: Embeddings) -> tuple[float, ...]:
    total = weights @ embeddings
    return tuple(float(x) for x in total / max(float(np.linalg.norm(total)), 1e-9))
