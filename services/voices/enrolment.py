"""Known speakers: enrolled ones, whose voices are stored, and those whose clips come with a request."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exceptions import InvalidRequestError, StageUnavailableError
from models import KnownVoice, KnownVoices
from services.voices.clips import SpeakerReference, VoiceService
from utils.speakers.voice_matching import mean_voice
from utils.store.interface import VoiceStore
from utils.store.records import EnrolledVoice

MAX_VOICES = 1000  # per owner
LONGEST_CLIP = 60  # seconds, for enrolment


@dataclass(frozen=True, slots=True)
class KnownSpeakers:
    """The speakers to recognise: those of `references` and, if `enrolled`, those the caller has enrolled."""

    references: tuple[SpeakerReference, ...] = ()
    enrolled: bool = False


NO_KNOWN_SPEAKERS = KnownSpeakers()


class SpeakerService:
    """Without `voices` (diarization is off) speakers can only be listed and deleted."""

    def __init__(
        self, store: VoiceStore, voices: VoiceService | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._maybe_voices = voices
        self._clock = clock

    @property
    def _voices(self) -> VoiceService:
        if self._maybe_voices is None:
            raise StageUnavailableError(
                "Speaker recognition is off on this server; its operator can turn it on with "
                "ENABLE_SPEAKER_DIARIZATION."
            )
        return self._maybe_voices

    def require(self) -> None:
        """Raises StageUnavailableError if diarization is off, before an upload is read in vain."""
        _ = self._voices

    def is_usable(self, voice: EnrolledVoice) -> bool:
        """Whether it can be matched with recordings: not if another network computed it."""
        return self._maybe_voices is not None and voice.network == self._maybe_voices.network

    async def known(self, requested: KnownSpeakers, owner: str, workspace: Path) -> KnownVoices:
        """The voices to match; if two share a name, that of the clip.

        Raises InvalidRequestError for a clip without a usable voice.
        """
        voices = {v.name: v for v in await self._usable(owner)} if requested.enrolled else {}
        voices |= {v.name: v for v in await self._voices.of_references(requested.references, workspace)}
        return KnownVoices(tuple(voices.values()), self._voices.threshold)

    async def enrol(self, owner: str, name: str, clips: Sequence[Path]) -> EnrolledVoice:
        """Add a voice, or the clips to an existing one. Raises InvalidAudioError."""
        voices = [await self._voices.of_clip(clip, LONGEST_CLIP) for clip in clips]
        voice = EnrolledVoice(
            id=f"spk_{uuid.uuid4().hex}",
            owner=owner,
            name=name,
            network=self._voices.network,
            created_at=int(self._clock()),
            clips=len(voices),
            num_samples=sum(voice.num_samples for voice in voices),
            embedding=mean_voice([(voice.embedding, voice.num_samples) for voice in voices]),
        )
        return await self._store.enrol(voice, MAX_VOICES)

    async def page(self, owner: str) -> Sequence[EnrolledVoice]:
        return await self._store.of_owner(owner)

    async def find(self, owner: str, voice_id: str) -> EnrolledVoice:
        """Raises NotFoundError."""
        return await self._store.find(owner, voice_id)

    async def delete(self, owner: str, voice_id: str) -> None:
        """No trace of the voice remains in the database files. Raises NotFoundError."""
        await self._store.delete(owner, voice_id)

    async def _usable(self, owner: str) -> Sequence[KnownVoice]:
        enrolled = await self.page(owner)
        usable = [KnownVoice(v.name, v.embedding) for v in enrolled if self.is_usable(v)]
        if enrolled and not usable:
            raise InvalidRequestError(
                f"Your speakers were enrolled with '{enrolled[0].network}' and this server now uses "
                f"'{self._voices.network}': enrol them again, or leave 'known_speakers' out.",
                param="known_speakers",
            )
        return usable
