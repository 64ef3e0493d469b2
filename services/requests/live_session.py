"""A live session that a caller asked for: its settings, checked, and the options that come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from exceptions import InvalidRequestError, ModelNotFoundError, TranscriptionServerError
from models import NO_KNOWN_VOICES, SAMPLE_RATE, KnownVoices
from options import (
    DecodeOptions,
    Encoding,
    LiveFormat,
    LiveOptions,
    SemanticVad,
    ServerVad,
    SpeakerCount,
    TranscriptionOptions,
    TurnDetection,
)
from services.requests.live_settings import INVALID, LOGPROBS, LiveSettings, SpeakerBounds
from services.requests.parameters import language_codes
from services.requests.speaker_names import speaker_references
from services.transcription import TranscriptionService
from services.voices.enrolment import KnownSpeakers, SpeakerService
from utils.catalogue import Catalogue
from utils.model_names import hosted_name
from utils.temp_manager import TempManager

TRANSCRIPTION = "audio.input.transcription"
ENCODINGS = {"audio/pcmu": Encoding.ULAW, "audio/pcma": Encoding.ALAW}
SHORTEST_SILENCE = 100  # ms; within words there are shorter ones
LONGEST_SILENCE = {"low": 8, "medium": 4, "auto": 4, "high": 2}  # seconds, as hosted
VOICES = ("known_speaker_names", "known_speaker_references", "known_speakers")


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """The settings of a session, without clips, and its known voices: those of clips, and those enrolled."""

    settings: LiveSettings = field(default_factory=LiveSettings)
    clips: KnownVoices = NO_KNOWN_VOICES
    enrolled: KnownVoices = NO_KNOWN_VOICES

    @property
    def model(self) -> str:
        """As the caller named it; empty for the server's own."""
        return self.settings.transcription.model or ""

    @property
    def counts_tokens(self) -> bool:
        return (hosted_name(self.model) or "").startswith("gpt-")

    @property
    def diarizes(self) -> bool:
        """Unless the caller says, where the model's name or another parameter asks for speakers."""
        asked = self.settings.transcription
        if asked.diarize is not None:
            return asked.diarize
        named = "diarize" in (hosted_name(self.model) or "")
        return named or bool(asked.speakers or asked.known_speakers or asked.known_speaker_names)


class LiveRequests:
    """Brings the settings that callers send to requests and options."""

    def __init__(
        self,
        catalogue: Catalogue,
        transcription: TranscriptionService,
        speakers: SpeakerService,
        temp: TempManager,
    ) -> None:
        self._catalogue = catalogue
        self._transcription = transcription
        self._speakers = speakers
        self._temp = temp

    async def updated(self, request: LiveRequest, changes: Mapping[str, Any], owner: str) -> LiveRequest:
        """The request with the fields that `changes` names, if all of them can be honoured.

        Raises InvalidRequestError, ModelNotFoundError, StageUnavailableError, with the field as `param`.
        """
        new = replace(request, settings=request.settings.updated(changes))
        self.options(new)
        with _named():
            self._transcription.require(TranscriptionOptions(diarize=new.diarizes))
            return await self._with_voices(new, _named_fields(changes), owner)

    def options(self, request: LiveRequest) -> LiveOptions:
        """Raises what `updated` raises, except for stages."""
        settings, asked = request.settings, request.settings.transcription
        audio = settings.input.format
        encoding = ENCODINGS.get(audio.type, Encoding.PCM)
        return LiveOptions(
            audio=LiveFormat(encoding, audio.rate if encoding is Encoding.PCM else 8_000),
            turns=_turns(settings),
            decode=self._decode(request),
            delay=asked.delay,
            strict_deltas=asked.strict_deltas,
            interim=asked.interim,
            diarize=request.diarizes,
            revise=asked.revise,
            speakers=_count(asked.speakers),
            known=_both(request.enrolled, request.clips) if request.diarizes else NO_KNOWN_VOICES,
            store=settings.store,
        )

    def _decode(self, request: LiveRequest) -> DecodeOptions:
        asked = request.settings.transcription
        with _named():
            languages = language_codes([asked.language] if asked.language else [], "language")
            return DecodeOptions(
                language=languages[0] if languages else None,
                languages=language_codes(asked.languages, "languages"),
                prompt=asked.prompt,
                keywords=tuple(asked.keywords),
                logprobs=LOGPROBS in request.settings.include,
                model=self._model(request.model),
            )

    def _model(self, name: str) -> str:
        known = self._catalogue.require(name) if name else ""
        return "" if hosted_name(known) else known

    async def _with_voices(self, request: LiveRequest, named: set[str], owner: str) -> LiveRequest:
        """Looks voices up again only where the update named them; of clips nothing is kept but the voices."""
        asked = request.settings.transcription
        if named.intersection(VOICES[:2]):
            references = speaker_references(asked.known_speaker_names, asked.known_speaker_references)
            request = replace(request, clips=await self._known(KnownSpeakers(references), owner))
        if asked.known_speaker_references:
            without = {"audio": {"input": {"transcription": {"known_speaker_references": None}}}}
            request = replace(request, settings=request.settings.updated(without))
        if "known_speakers" in named:
            known = KnownSpeakers(enrolled=asked.known_speakers == "auto")
            request = replace(request, enrolled=await self._known(known, owner))
        return request

    async def _known(self, known: KnownSpeakers, owner: str) -> KnownVoices:
        if not (known.references or known.enrolled):
            return NO_KNOWN_VOICES
        async with self._temp.workspace() as workspace:
            return await self._speakers.known(known, owner, workspace)


def _turns(settings: LiveSettings) -> TurnDetection:
    chosen = settings.turn_detection
    if chosen is None:
        return None
    if chosen.type == "semantic_vad":
        return SemanticVad(LONGEST_SILENCE[chosen.eagerness] * SAMPLE_RATE)
    per_millisecond = SAMPLE_RATE // 1000
    return ServerVad(
        chosen.threshold,
        chosen.prefix_padding_ms * per_millisecond,
        max(SHORTEST_SILENCE, chosen.silence_duration_ms) * per_millisecond,
    )


def _count(asked: SpeakerBounds | None) -> SpeakerCount:
    return SpeakerCount(asked.minimum, asked.maximum) if asked else SpeakerCount()


def _both(enrolled: KnownVoices, clips: KnownVoices) -> KnownVoices:
    """If two share a name, that of the clip."""
    voices = {voice.name: voice for voice in (*enrolled.voices, *clips.voices)}
    return replace(clips if clips.voices else enrolled, voices=tuple(voices.values()))


def _named_fields(changes: Mapping[str, Any]) -> set[str]:
    """The fields of `transcription` that an update names, whose types have been checked; null names all."""
    part: Any = changes
    for name in ("audio", "input", "transcription"):
        if name not in part:
            return set()
        part = part[name]
        if part is None:
            return {*VOICES}
    return set(part)


@contextmanager
def _named() -> Iterator[None]:
    """Errors name the field where it is in the settings."""
    try:
        yield
    except TranscriptionServerError as error:
        if error.param:
            error.param = f"{TRANSCRIPTION}.{error.param}"
        if isinstance(error, InvalidRequestError) and not isinstance(error, ModelNotFoundError):
            error.code = error.code or INVALID
        raise
