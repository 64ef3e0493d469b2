"""Diarization of one chunk: local speakers of overlapping windows, their embeddings, clusters, turns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from models import ChunkSpeakers, Embedding, Span, SpeakerTurn, Voice, seconds
from options import SpeakerCount
from seams import Embedder, Embeddings, PartsEmbedder, Segmenter
from utils.audio.compression import compressed
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSlot
from utils.speakers import network_windows
from utils.speakers.activity import speaking_time
from utils.speakers.clustering import cluster_voices, mean_rows
from utils.speakers.embedding import pack
from utils.speakers.local_speakers import (
    WINDOW,
    HeardWindows,
    LocalSpeakers,
    combine_windows,
    window_levels,
)
from utils.speakers.timeline import draw_turns, held_apart
from utils.speakers.voice_groups import SampledVoices
from utils.speakers.voice_samples import VoiceSample, plan_stretches, sample_voices
from utils.speakers.voice_windows import Labels, group_stretches, plan_windows
from utils.speech.speech_map import SpeechMap, SpeechRules

BATCH = 4  # windows of ten seconds: a step of the segmentation stays under half a second
# Tighter than for the recogniser, since silence blurs an embedding, and with a lower onset, since missed
# speech gets no speaker. Of the settings tried, the best DER on meetings, and with a collar everywhere.
VOICE_RULES = SpeechRules(onset=0.35, offset=0.2, min_silence=seconds(0.3), pad=seconds(0.1))
KNOWN_VOICE = 0.5  # cosine similarity of a clip and its speaker; `python -m benchmarks known_speakers`


EmbedderT = TypeVar("EmbedderT", bound=Embedder)


@dataclass(frozen=True, slots=True)
class VoiceNetwork:
    """The embedding network of a diarizer. Only embeddings of one network can be compared; `match_threshold`
    is the cosine similarity from which a speaker of a recording matches a clip."""

    name: str
    match_threshold: float


class Diarizer(Protocol):
    async def diarize(
        self, samples: ReadSamples, heard: Span, speech: SpeechMap, count: SpeakerCount
    ) -> ChunkSpeakers:
        """Turns and voices of the chunk over `heard`, in samples of the recording; `speech` is its detected
        speech, and `samples(span)` reads audio. `count` is that of the recording: not everyone need speak in
        every chunk, so only `finer` is forced to its minimum."""
        ...

    @property
    def network(self) -> VoiceNetwork:
        """The network of its voice embeddings."""
        ...

    @property
    def hearing(self) -> VoiceHearing | None:
        """What it hears with, if it can tell a growing chunk apart without hearing all of it again."""
        ...

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        """The embedding of the one voice in the regions of `speech`, to compare with those of recordings;
        None if the backend itself finds no voice in them."""
        ...


class VoiceHearing:
    """The networks of a `ClusteringDiarizer`, in short calls; what they hear belongs to the caller."""

    def __init__(self, segmenter: ModelSlot[Segmenter], voices: ModelSlot[PartsEmbedder]) -> None:
        self._segmenter = segmenter
        self._voices = voices

    async def segment(
        self, samples: ReadSamples, heard: Span, starts: Sequence[int], speech: SpeechMap
    ) -> HeardWindows:
        """The local speakers of the windows that start at `starts`, at least one."""
        batches = [
            await self._segmenter.run(
                partial(_segment, samples, heard, starts[first : first + BATCH], speech)
            )
            for first in range(0, len(starts), BATCH)
        ]
        return HeardWindows.joined(batches)

    async def embed(
        self, samples: ReadSamples, stretches: Sequence[Span], planned: Sequence[Sequence[VoiceSample]]
    ) -> list[Embeddings]:
        """The voices of the samples in each stretch that has any, one row a sample."""
        return [
            await self._voices.run(partial(_embed_samples, samples, stretch, voices))
            for stretch, voices in zip(stretches, planned, strict=True)
            if voices
        ]


class ClusteringDiarizer:
    """Local speakers of overlapping windows, clustered over the chunk by samples of their voices."""

    def __init__(self, segmenter: ModelSlot[Segmenter], voices: ModelSlot[PartsEmbedder]) -> None:
        self._hearing = VoiceHearing(segmenter, voices)
        self._slot = voices

    async def diarize(
        self, samples: ReadSamples, heard: Span, speech: SpeechMap, count: SpeakerCount
    ) -> ChunkSpeakers:
        starts = network_windows.plan_windows(heard, speech.regions(VOICE_RULES))
        if not starts:
            return ChunkSpeakers()
        windows = await self._hearing.segment(samples, heard, starts, speech)
        between = await asyncio.to_thread(network_windows.plan_between, starts, windows.classes)
        if between:
            more = await self._hearing.segment(samples, heard, between, speech)
            windows = HeardWindows.joined([windows, more])
        local = await asyncio.to_thread(combine_windows, heard, windows, speech)
        stretches = plan_stretches(local)
        planned = await asyncio.to_thread(sample_voices, local, stretches)
        rows = await self._hearing.embed(samples, stretches, planned)
        if not rows:
            return ChunkSpeakers()
        voices = [voice for voices in planned for voice in voices]
        return await asyncio.to_thread(tell_apart, local, voices, np.concatenate(rows), count)

    @property
    def hearing(self) -> VoiceHearing:
        return self._hearing

    @property
    def network(self) -> VoiceNetwork:
        return VoiceNetwork(self._slot.model_name, KNOWN_VOICE)

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        return await embed_voice(self._slot, samples, plan_windows(speech))


async def embed_voice(
    slot: ModelSlot[EmbedderT], samples: ReadSamples, windows: Sequence[Span]
) -> Embedding | None:
    """The mean embedding of `windows`, weighted by their length; None if there are none."""
    if not windows:
        return None
    lengths = np.array([window.num_samples for window in windows], dtype=np.float32)
    return pack(lengths @ await embed_windows(slot, samples, windows))


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


def _segment(
    samples: ReadSamples, heard: Span, starts: Sequence[int], speech: SpeechMap, model: Segmenter
) -> HeardWindows:
    """Windows that extend past the end of `heard` are padded with silence; those whose speech the network
    misses are heard again with their faint parts raised."""
    read = (samples(Span(start, min(start + WINDOW, heard.stop))) for start in starts)
    windows = np.stack([np.pad(window, (0, WINDOW - len(window))) for window in read])
    classes = model.segment(windows)
    again = network_windows.misses_speech(starts, classes, speech)
    if again.any():
        classes[again] = model.segment(compressed(windows[again]))
    return HeardWindows(starts, classes, window_levels(windows))


def _embed_samples(
    samples: ReadSamples, stretch: Span, voices: Sequence[VoiceSample], model: PartsEmbedder
) -> Embeddings:
    inside = [
        [Span(span.start - stretch.start, span.stop - stretch.start) for span in voice.spans]
        for voice in voices
    ]
    return model.embed_parts(samples(stretch), inside)


def tell_apart(
    local: LocalSpeakers, samples: Sequence[VoiceSample], embeddings: Embeddings, count: SpeakerCount
) -> ChunkSpeakers:
    """The speakers of what was heard: `embeddings` (n, d) of the samples, at least one."""
    trust = np.array([sample.trust for sample in samples], np.float32)
    spans = [sample.spans for sample in samples]
    sampled = SampledVoices(embeddings, trust, spans, *held_apart(local, samples))

    def speakers(count: SpeakerCount) -> ChunkSpeakers:
        labels = cluster_voices(sampled, count)
        voices = mean_rows(embeddings, trust, labels)
        turns = draw_turns(local, samples, labels, embeddings @ voices.T)
        spoken = speaking_time(turns)
        means = (Voice(speaker, spoken[speaker], pack(voices[speaker])) for speaker in sorted(spoken))
        return ChunkSpeakers(turns, tuple(means))

    found = speakers(SpeakerCount(1, count.maximum))
    return found if len(found.voices) >= count.minimum else replace(found, finer=speakers(count))


def mean_voices(
    turns: Sequence[SpeakerTurn], embeddings: Embeddings, windows: Sequence[Span], labels: Labels
) -> tuple[Voice, ...]:
    """A voice for each speaker with a turn: the mean of the windows so labelled, weighted by their length."""
    spoken = speaking_time(turns)
    lengths = np.array([window.num_samples for window in windows], dtype=np.float32)
    return tuple(
        Voice(speaker, spoken[speaker], pack((lengths * (labels == speaker)) @ embeddings))
        for speaker in sorted(spoken)
    )
