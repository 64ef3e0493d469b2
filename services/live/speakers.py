"""The speakers of a live session, told while they speak."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from models import SAMPLE_RATE, KnownVoice, KnownVoices, Span, SpeakerTurn
from options import SpeakerCount
from services.diarization_service import Diarizer
from services.live.hearing import chunk_hearing
from utils.audio_utils import ReadSamples
from utils.live.heard_chunk import HEARD
from utils.live.speaker_labels import SpeakerLabels
from utils.live.told_turns import ToldTurns
from utils.speech.speech_map import FRAME, SpeechMap
from utils.waiting.concurrency import finish_in_thread

PAUSE = SAMPLE_RATE // 5  # without speech, at the end of which nobody is in the middle of a word
BEHIND = SAMPLE_RATE  # what is heard, where somebody speaks; in a pause half of it
LATEST = 5 * SAMPLE_RATE  # after which any speech is heard, however little


class LiveSpeakers:
    """Hears a session as it goes on, and says who spoke. One task at a time may call it."""

    def __init__(
        self, diarizer: Diarizer, read: ReadSamples, count: SpeakerCount, known: KnownVoices
    ) -> None:
        """`read` reads audio of the session from `needs_from` on. Only the maximum of `count` is obeyed, as
        not everyone has spoken yet."""
        self._count = SpeakerCount(1, count.maximum)
        self._hearing = chunk_hearing(diarizer, read)
        self._told = ToldTurns(count.maximum)
        self._labels = SpeakerLabels(known)
        self._heard = 0
        self._told_until = 0

    async def advance(self, speech: SpeechMap, until: int, is_end_of_turn: bool) -> None:
        """Hear what is new up to `until`, and tell who speaks if it is time to, as at the end of a turn.

        `speech` covers at least what follows `needs_from`; a turn may have ended before what was heard last.
        Raises what a model raises; nothing is lost then, and the next call hears it all."""
        until = max(min(until, speech.stop) // FRAME * FRAME, self._heard)
        if not speech.spoken(Span(self._told.until, until), HEARD):
            self._hearing.pass_silence(speech, until)
            self._heard = self._told_until = until
        elif is_end_of_turn or self._is_due(speech, until):
            await self._tell(speech, until, is_end_of_turn)
        if until - self._hearing.start > self._hearing.longest:
            self._hearing.forget(until - self._hearing.longest // 2)
            self._told.close(self._hearing.start)

    @property
    def told_until(self) -> int:
        """Words that end before this sample can be given speakers."""
        return self._told_until

    @property
    def settled_until(self) -> int:
        """The sample up to which no more turns are told; earlier than `told_until` in a pause."""
        return self._told.until

    @property
    def needs_from(self) -> int:
        """The earliest sample whose audio and speech will still be asked for."""
        return self._hearing.needs_from

    @property
    def turns(self) -> Sequence[SpeakerTurn]:
        """Of the last minute or two, as they were first told."""
        return self._told.turns

    @property
    def latest_turns(self) -> Sequence[SpeakerTurn]:
        """The same as they are told apart now, with later evidence."""
        return self._told.latest

    def label(self, speaker: int) -> str:
        """The label of a speaker of the turns; a letter may become the name of a known voice once."""
        return self._labels.label(speaker)

    @property
    def voices(self) -> tuple[KnownVoice, ...]:
        """The mean voice of each speaker of the session so far, by label."""
        return tuple(KnownVoice(self.label(voice.speaker), voice.embedding) for voice in self._told.voices)

    def _is_due(self, speech: SpeechMap, until: int) -> bool:
        new = speech.spoken(Span(self._heard, until), HEARD)
        return new >= self._hearing.each or (new > 0 and until - self._heard >= LATEST)

    async def _tell(self, speech: SpeechMap, until: int, is_end_of_turn: bool) -> None:
        is_silent = not speech.spoken(Span(until - PAUSE, until), HEARD)
        is_pause = is_silent or is_end_of_turn
        if until > self._heard:
            await self._hearing.hear(speech, until, is_pause)
        chunk = await self._hearing.tell_apart(self._count)
        # The detector may miss that somebody goes on, so that the end of a pause is told with what follows.
        behind = BEHIND // 2 if is_silent else 0 if is_end_of_turn else BEHIND
        await finish_in_thread(partial(self._told.tell, chunk, until - behind))
        self._heard, self._told_until = until, until if is_end_of_turn else self._told.until
        self._labels.hear(self._told.voices)
