"""Diarization by networks with one output (seat) per speaker, which separate overlapping speech; NeMo's
clustering takes over where the seats do not suffice or contradict the requested speaker count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from models import ChunkSpeakers, Embedding, Span, SpeakerTurn, seconds
from options import SpeakerCount
from seams import SeatModel, VoiceModel
from services.diarization_service import (
    VOICE_RULES,
    VoiceNetwork,
    embed_voice,
    embed_windows,
    mean_voices,
)
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSlot
from utils.speakers.activity import Activity, SeatLayout, seat_turns, solo_spans, speaking_time
from utils.speakers.voice_windows import build_turns, plan_windows
from utils.speech.speech_map import SpeechMap

MIN_SPEECH = seconds(1)  # of a seat in a chunk; less is a false alarm, and too little for an embedding
SOLO, SOLO_HOP = seconds(3), seconds(1.5)  # windows of a seat's voice
MIN_SOLO = seconds(0.5)
MAX_SOLO_WINDOWS = 40  # of one seat; a mean embedding gains nothing from more
# Windows and hops of NeMo's diar_infer_general.yaml, in seconds.
SCALES = ((1.9, 0.95), (1.2, 0.6), (0.5, 0.25))
# Cosine similarity from which mean TitaNet embeddings are one speaker. NeMo's `verify_speakers` takes 0.4 for
# two utterances; means over many windows are steadier and allow a higher threshold, most of all for speakers
# with much speech.
SAME_VOICE = 0.55
KNOWN_VOICE = 0.5  # the same of a clip and a speaker; not measured, for lack of the published weights


class SeatDiarizer:
    def __init__(self, seats: ModelSlot[SeatModel], voices: ModelSlot[VoiceModel]) -> None:
        self._seats = seats
        self._voices = voices

    async def diarize(
        self, samples: ReadSamples, heard: Span, speech: SpeechMap, count: SpeakerCount
    ) -> ChunkSpeakers:
        regions = speech.regions(VOICE_RULES)
        if not regions:
            return ChunkSpeakers()
        layout = await self._seats.run(lambda model: model.layout())
        turns = await self._seat_turns(samples, heard, layout)
        found = await self._diarize_seats(
            samples, turns, regions, SpeakerCount(1, count.maximum), layout.seats
        )
        if len(found.voices) >= count.minimum:
            return found
        finer = await self._cluster(samples, regions, count, max_speakers=2 * layout.seats)
        return replace(found, finer=finer)

    @property
    def network(self) -> VoiceNetwork:
        return VoiceNetwork(self._voices.model_name, KNOWN_VOICE)

    @property
    def hearing(self) -> None:
        return None

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        return await embed_voice(self._voices, samples, plan_windows(speech, SOLO, SOLO_HOP))

    async def _diarize_seats(
        self,
        samples: ReadSamples,
        turns: tuple[SpeakerTurn, ...],
        speech: Sequence[Span],
        count: SpeakerCount,
        seats: int,
    ) -> ChunkSpeakers:
        found = len({turn.speaker for turn in turns})
        fits = 1 <= found <= (count.maximum or found)
        if fits and (found < seats or found == count.maximum):
            return await self._with_voices(samples, turns)
        clustered = await self._cluster(samples, speech, count, max_speakers=2 * seats)
        if fits and len(clustered.voices) <= found:
            return await self._with_voices(samples, turns)  # the seats were just enough
        return clustered

    async def _seat_turns(
        self, samples: ReadSamples, heard: Span, layout: SeatLayout
    ) -> tuple[SpeakerTurn, ...]:
        state: Any = None
        activity: list[Activity] = []
        for block in _blocks(heard, layout.step):
            rows, state = await self._seats.run(
                partial(_step, samples, block, state, block.stop == heard.stop)
            )
            activity.append(rows)
        return _number_speakers(seat_turns(np.concatenate(activity), layout.frame, heard, layout.rules))

    async def _with_voices(self, samples: ReadSamples, turns: tuple[SpeakerTurn, ...]) -> ChunkSpeakers:
        """The turns, and the voice of each seat taken from where it speaks alone."""
        owned = [(window, seat) for seat in speaking_time(turns) for window in _solo_windows(turns, seat)]
        owned.sort(key=lambda pair: pair[0].start)
        windows = [window for window, _ in owned]
        labels = np.array([seat for _, seat in owned], np.int64)
        rows = await embed_windows(self._voices, samples, windows)
        return ChunkSpeakers(turns, mean_voices(turns, rows, windows, labels), SAME_VOICE)

    async def _cluster(
        self, samples: ReadSamples, speech: Sequence[Span], count: SpeakerCount, max_speakers: int
    ) -> ChunkSpeakers:
        scales = []
        for length, hop in SCALES:
            windows = plan_windows(speech, seconds(length), seconds(hop))
            scales.append((await embed_windows(self._voices, samples, windows), windows))
        labels = await self._voices.run(lambda model: model.cluster(scales, count, max_speakers))
        rows, windows = scales[-1]
        turns = build_turns(windows, labels, speech)
        return ChunkSpeakers(turns, mean_voices(turns, rows, windows, labels), SAME_VOICE)


def _blocks(heard: Span, step: int) -> Iterator[Span]:
    for start in range(heard.start, heard.stop, step):
        yield Span(start, min(start + step, heard.stop))


def _step(
    samples: ReadSamples, block: Span, state: Any, is_last: bool, model: SeatModel
) -> tuple[Activity, Any]:
    return model.step(samples(block), state, is_last)


def _number_speakers(turns: Sequence[SpeakerTurn]) -> tuple[SpeakerTurn, ...]:
    """The turns of seats with enough speech, numbered from 0 in order of first appearance."""
    seats = [seat for seat, spoken in speaking_time(turns).items() if spoken >= MIN_SPEECH]
    return tuple(replace(turn, speaker=seats.index(turn.speaker)) for turn in turns if turn.speaker in seats)


def _solo_windows(turns: Sequence[SpeakerTurn], seat: int) -> list[Span]:
    """Windows of where the seat speaks alone, or of all its speech if it never does so for long enough."""
    spans = [span for span in solo_spans(turns, seat) if span.num_samples >= MIN_SOLO]
    spans = spans or [Span(turn.start, turn.stop) for turn in turns if turn.speaker == seat]
    windows = plan_windows(spans, SOLO, SOLO_HOP)
    return windows[:: -(-len(windows) // MAX_SOLO_WINDOWS)]
