"""Clips of one person to voice embeddings that speakers of recordings are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from exceptions import InvalidAudioError, InvalidRequestError
from models import Audio, Embedding, KnownVoice, seconds
from seams import Decoder, Detector, DetectorState
from services.diarization_service import VOICE_RULES, Diarizer
from utils.audio_utils import CLIP_FORMAT, as_audio
from utils.data_url import decode_data_url
from utils.decoding.tracks import ANY_TRACK
from utils.model_manager import ModelSlot
from utils.speech.speech_map import SpeechMap
from utils.waiting.concurrency import finish_in_thread

SHORTEST_CLIP, LONGEST_REFERENCE = 2, 10  # seconds, as in the hosted API
MIN_SPEECH = seconds(1)  # in a clip; less gives no reliable embedding
PADDING = 0.1  # seconds that audio encoders may add to a clip or cut from it


@dataclass(frozen=True, slots=True)
class SpeakerReference:
    """The name of a speaker, and a clip of the voice as a data URL."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ClipVoice:
    """The embedding of a clip, and how many samples of speech it was computed from."""

    embedding: Embedding
    num_samples: int


class VoiceService:
    """Every step is short: a clip is at most a minute."""

    def __init__(
        self, decoder: Decoder, detector: ModelSlot[Detector], diarizer: Diarizer, threshold: float = 0.0
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._diarizer = diarizer
        self._threshold = threshold

    @property
    def network(self) -> str:
        """Only embeddings of this network can be compared with those of recordings."""
        return self._diarizer.network.name

    @property
    def threshold(self) -> float:
        """Cosine similarity from which a speaker matches a clip."""
        return self._threshold or self._diarizer.network.match_threshold

    async def of_references(
        self, references: Sequence[SpeakerReference], workspace: Path
    ) -> tuple[KnownVoice, ...]:
        """Raises InvalidRequestError, which names the reference by its index."""
        voices = []
        for index, reference in enumerate(references):
            place = f"known_speaker_references[{index}]"
            try:
                clip = await finish_in_thread(partial(_unpack, reference.url, workspace / f"voice-{index}"))
                voice = await self.of_clip(clip, LONGEST_REFERENCE)
            except (ValueError, InvalidAudioError) as error:
                raise InvalidRequestError(
                    f"{place}: {error}", param="known_speaker_references", code="invalid_audio"
                ) from error
            voices.append(KnownVoice(reference.name, voice.embedding))
        return tuple(voices)

    async def of_clip(self, clip: Path, max_seconds: int) -> ClipVoice:
        """The voice in a clip of 2 to `max_seconds` seconds. Raises InvalidAudioError."""
        return await self.of_samples(await self._read(clip, max_seconds))

    async def _read(self, clip: Path, max_seconds: int) -> Audio:
        """Decode a clip, but stop as soon as it is too long."""
        samples, num_samples = [], 0
        async with self._decoder.open(clip, CLIP_FORMAT, ANY_TRACK) as audio:
            async for block in audio:
                samples.append(block[0])
                num_samples += block.shape[1]
                if num_samples > seconds(max_seconds + PADDING):
                    raise InvalidAudioError(
                        f"The clip is longer than {max_seconds} seconds; send a shorter one."
                    )
        if num_samples < seconds(SHORTEST_CLIP - PADDING):
            raise InvalidAudioError(f"The clip is shorter than {SHORTEST_CLIP} seconds; send a longer one.")
        return as_audio(np.concatenate(samples))

    async def of_samples(self, audio: Audio) -> ClipVoice:
        """Raises InvalidAudioError if too little speech is detected."""
        speech = (await self.speech(audio)).regions(VOICE_RULES)
        spoken = sum(region.num_samples for region in speech)
        if spoken < MIN_SPEECH:
            raise InvalidAudioError(
                "The clip contains less than a second of speech; send one of a person speaking."
            )
        embedding = await self._diarizer.voice_of(lambda span: audio[span.start : span.stop], speech)
        if embedding is None:
            raise InvalidAudioError("No voice was detected in the clip; send a longer or clearer one.")
        return ClipVoice(embedding, spoken)

    async def speech(self, audio: Audio) -> SpeechMap:
        """The detected speech, by the same detector as for recordings."""
        found, _ = await self._detector.run(lambda model: model.detect(audio, DetectorState()))
        return SpeechMap(0, len(audio), found)


def _unpack(url: str, target: Path) -> Path:
    target.write_bytes(decode_data_url(url))
    return target
