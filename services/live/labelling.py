"""Who speaks in a live session: it is heard in the background, and the words of its turns get speakers."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence

import numpy as np

from models import NO_KNOWN_VOICES, KnownVoices, Segment, Span, Word, seconds
from options import LiveOptions
from services.diarization_service import Diarizer
from services.live.audio_input import AudioInput
from services.live.speakers import LiveSpeakers
from utils.live.events import LiveEvent, SpeakerSegment
from utils.live.labelled_words import LabelledWords, SpokenWords
from utils.speakers.assignment import assign_speakers
from utils.speech.speech_map import FRAME, SpeechMap

logger = logging.getLogger(__name__)

MOST_BEHIND = seconds(200)  # of what is heard: where it fails for longer, what came before is given up


class SessionSpeakers:
    """The speakers of a session, from the first turn on that asks for them."""

    def __init__(self, diarizer: Diarizer | None, source: AudioInput) -> None:
        self._diarizer = diarizer
        self._source = source
        self._tracking: SpeakerTracking | None = None

    @property
    def needed_from(self) -> int | None:
        """The first sample that may still be read; None if there is none."""
        if self._tracking is None:
            return None
        return max(self._tracking.speakers.needs_from, self._source.speech.stop - MOST_BEHIND)

    @property
    def voices(self) -> KnownVoices:
        """Of the speakers so far, by label."""
        if self._tracking is None or self._diarizer is None:
            return NO_KNOWN_VOICES
        return KnownVoices(self._tracking.speakers.voices, self._diarizer.network.match_threshold)

    def tracking(self, options: LiveOptions, start: int) -> SpeakerTracking | None:
        """For a turn that begins at `start`; None if it needs no speakers."""
        if not options.diarize or self._diarizer is None:
            return None
        if self._tracking is None:
            read = self._source.audio.read_padded
            speakers = LiveSpeakers(self._diarizer, read, options.speakers, options.known)
            self._tracking = SpeakerTracking(speakers, self._source, start)
        return self._tracking

    def grow(self) -> None:
        """There is more audio."""
        if self._tracking:
            self._tracking.grow()

    def close(self) -> None:
        if self._tracking:
            self._tracking.close()


class SpeakerTracking:
    """Follows the audio of a session with one task."""

    def __init__(self, speakers: LiveSpeakers, source: AudioInput, start: int) -> None:
        """What comes before `start` counts as silence."""
        self.speakers = speakers
        self._start = start
        self._source = source
        self._turn = asyncio.Lock()  # `advance` is called by one task at a time
        self._grown = asyncio.Event()
        self._labelling: list[TurnLabelling] = []
        self._has_failed = False
        self._task = asyncio.create_task(self._follow())

    def grow(self) -> None:
        """There is more audio."""
        self._grown.set()

    def label(self, item_id: str, revise: bool, emit: Callable[[LiveEvent], None]) -> TurnLabelling:
        """Labels the words of a turn from now on, until it is finished."""
        labelling = TurnLabelling(item_id, self.speakers, revise, emit)
        self._labelling.append(labelling)
        return labelling

    async def finish(self, labelling: TurnLabelling, stop: int) -> None:
        """Hears a turn to its end, at `stop`. What fails leaves words without speakers, not the turn without
        words."""
        await self._advance(stop, True)
        self.drop(labelling)

    def drop(self, labelling: TurnLabelling) -> None:
        if labelling in self._labelling:
            self._labelling.remove(labelling)

    def close(self) -> None:
        self._task.cancel()

    async def _follow(self) -> None:
        while True:
            await self._grown.wait()
            self._grown.clear()
            await self._advance(self._source.speech.stop, False)
            for labelling in self._labelling:
                labelling.follow()

    async def _advance(self, until: int, is_end_of_turn: bool) -> None:
        async with self._turn:
            try:
                if self._start:
                    silence = np.zeros(self._start // FRAME, np.float32)
                    await self.speakers.advance(
                        SpeechMap(0, len(silence) * FRAME, silence), self._start, False
                    )
                    self._start = 0
                await self.speakers.advance(self._speech(), until, is_end_of_turn)
                self._has_failed = False
            except Exception:  # of whatever a network raises; it is tried again whenever more has come
                if not self._has_failed:
                    logger.warning("The speakers of a live session cannot be told apart", exc_info=True)
                self._has_failed = True

    def _speech(self) -> SpeechMap:
        """From where it is needed on; what is forgotten counts as silence."""
        start = self.speakers.needs_from // FRAME * FRAME
        speech = self._source.speech.over(Span(start, self._source.speech.stop))
        forgotten = (speech.start - start) // FRAME
        return SpeechMap(start, speech.stop - start, np.pad(speech.probabilities, (forgotten, 0)))


class TurnLabelling:
    """The labels of the words of one turn."""

    def __init__(
        self, item_id: str, speakers: LiveSpeakers, revise: bool, emit: Callable[[LiveEvent], None]
    ) -> None:
        self._item_id = item_id
        self._speakers = speakers
        self._revise = revise
        self._emit = emit
        self._words = LabelledWords(lambda: f"seg_{uuid.uuid4().hex[:24]}")

    def tell(self, words: Sequence[Word]) -> None:
        """Words that are settled."""
        self._words.tell(words)

    def follow(self) -> None:
        """More is known of who spoke."""
        self._send(self._words.label(self._speakers.turns, self._speakers.told_until))
        if self._revise:
            self._send(self._words.revised(self._speakers.latest_turns))

    def finish(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """The segments of the transcript, cut where the speaker changes, with their speakers."""
        turns = self._speakers.latest_turns if self._revise else self._speakers.turns
        self._send(self._words.label(turns, max((segment.stop for segment in segments), default=0)))
        if self._revise:
            self._send(self._words.revised(turns))
        return tuple(assign_speakers(segments, self._words.with_told(turns)))

    def labels(self, segments: Sequence[Segment]) -> tuple[str, ...]:
        """Of the speakers of `segments`, by number; empty for those of others."""
        present = {segment.speaker for segment in segments if segment.speaker is not None}
        numbers = range(max(present, default=-1) + 1)
        return tuple(self._speakers.label(number) if number in present else "" for number in numbers)

    def _send(self, found: Sequence[SpokenWords]) -> None:
        for spoken in found:
            start, stop = spoken.words[0].start, max(word.stop for word in spoken.words)
            label = self._speakers.label(spoken.speaker)
            self._emit(SpeakerSegment(self._item_id, spoken.id, start, stop, label, spoken.text))
