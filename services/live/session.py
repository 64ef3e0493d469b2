"""A live session: audio comes in, events go out."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Iterator

from exceptions import CommitEmptyError, ModelFailedError, TranscriptionServerError, UnexpectedError
from models import ChunkPart, seconds
from options import LiveOptions, SemanticVad, ServerVad, TurnDetection
from services.live.audio_input import AudioInput
from services.live.labelling import SessionSpeakers
from services.live.pace import Pace
from services.live.recognition import LiveRecogniser
from services.live.recording import SessionRecording
from services.live.turn import LiveTurn
from utils.live.events import Cleared, Committed, LiveEvent, SpeechStarted, SpeechStopped, TurnFailed
from utils.live.pcm import Pcm, bytes_per_second
from utils.live.turn_detection import (
    Began,
    Ended,
    Paused,
    Resumed,
    TurnChange,
    TurnDetector,
    semantic_silence,
)
from utils.speech.speech_map import FRAME, Probabilities
from utils.waiting.concurrency import stopped

logger = logging.getLogger(__name__)

MIN_COMMIT = 100  # milliseconds, as in the hosted API
HELD_BACK = 2  # milliseconds that the resampler may have kept
KEPT = seconds(2)  # of audio before now, and the padding of the next turn before that


class Session:
    """Turns follow each other; each is answered by a task of its own, in their order."""

    def __init__(
        self,
        session_id: str,
        source: AudioInput,
        recogniser: LiveRecogniser,
        recording: SessionRecording,
        speakers: SessionSpeakers,
        pace: Pace,
        options: LiveOptions,
    ) -> None:
        self.id = session_id
        self._source = source
        self._recogniser = recogniser
        self._recording = recording
        self._speakers = speakers
        self._pace = pace
        self._options = options
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        self._rules: TurnDetection = options.turns
        self._detector = TurnDetector(options.turns)
        self._turn: LiveTurn | None = None
        self._paused_at: int | None = None
        self._free_from = 0  # the sample from which audio belongs to no turn
        self._last_id: str | None = None
        self._answers: dict[LiveTurn, asyncio.Task[None]] = {}  # those to come, in order
        self._is_finished = self._is_closed = False

    @property
    def stored_as(self) -> str | None:
        return self._recording.id if self._options.store else None

    def update(self, options: LiveOptions) -> None:
        if options.audio != self._options.audio:
            self._source.change_format(options.audio)
        self._options = options
        if self._turn is None:
            self._follow_rules()

    async def append(self, audio: bytes) -> None:
        for piece in _pieces(audio, bytes_per_second(self._options.audio)):
            await self._recogniser.backlog.has_room()
            await self._take(self._source.decode(piece))

    async def commit(self) -> None:
        await self._take(self._source.flush())
        self._hear(await self._source.judge())
        now = self._source.audio.stop
        start = self._turn.start if self._turn else self._free_from
        milliseconds = (now - start) / seconds(0.001)
        if milliseconds < MIN_COMMIT - HELD_BACK:
            raise CommitEmptyError(
                f"The audio buffer holds {milliseconds:.0f} ms; a commit takes at least {MIN_COMMIT} ms."
            )
        turn = self._turn or self._begin(self._free_from)
        # In a pause the text is there; of a file sent at once it is better with all that follows.
        paused_at = None if self._pace.is_bulk else self._paused_at
        self._end(turn, now if paused_at is None else paused_at, now)

    async def clear(self) -> None:
        await self._take(self._source.flush())
        turn, self._turn, self._paused_at = self._turn, None, None
        self._detector.close()
        self._free_from = self._source.audio.stop
        self._follow_rules()
        if turn:
            await turn.drop()
        self._emit(Cleared())

    async def events(self) -> AsyncGenerator[LiveEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def finish(self) -> None:
        if not self._is_finished:
            self._is_finished = True
            if self._answers:
                await asyncio.wait(self._answers.values())
            self._events.put_nowait(None)

    async def close(self) -> None:
        """Drop all work; what is to be stored is."""
        self._is_closed = True
        await stopped(*self._answers.values())
        for turn in filter(None, (*self._answers, self._turn)):
            await turn.drop()
        self._answers.clear()
        self._events.put_nowait(None)
        self._speakers.close()
        if self._options.store:
            await self._recording.append(self._source.flush())
        self._source.close()
        await self._recording.keep(self._options, self._speakers.voices)

    @property
    def _padding(self) -> int:
        return self._rules.padding if isinstance(self._rules, ServerVad) else ServerVad().padding

    async def _take(self, samples: Pcm) -> None:
        if len(samples):
            self._pace.take(len(samples))
            if self._options.store:
                await self._recording.append(samples)
            is_idle = self._turn is None or not self._turn.is_spoken
            self._hear(await self._source.take(samples, is_idle))

    def _emit(self, event: LiveEvent) -> None:
        self._events.put_nowait(event)

    def _hear(self, probabilities: Probabilities) -> None:
        for probability in probabilities.tolist():
            if change := self._detector.feed(probability):
                self._follow(change)
        now = self._source.audio.stop
        if self._turn:
            self._turn.grow(now, self._source.speech.over)
        self._speakers.grow()
        needed = [turn.needed_from for turn in (*self._answers, self._turn) if turn]
        needed.append(self._speakers.needed_from)
        self._source.forget(
            min([now - KEPT - self._padding, *(start for start in needed if start is not None)])
        )

    def _follow(self, change: TurnChange) -> None:
        match change, self._turn:
            case Began(start), _:
                self._paused_at = None
                self._speak(start)
            case Paused(stop), LiveTurn() as turn:
                self._pause(turn, stop)
            case Resumed(), LiveTurn() as turn:
                turn.resume(self._paused_at or 0, self._detector.heard)
                self._paused_at = None
            case Ended(stop), LiveTurn() as turn:
                if self._rules is None:
                    self._paused_at = None
                    turn.fall_silent(stop, self._detector.heard)
                else:
                    self._end(turn, stop, self._detector.heard)

    def _speak(self, start: int) -> None:
        start = max(start - self._padding, self._free_from, self._source.audio.start)
        if self._rules is None:
            turn = self._turn or self._begin(self._free_from)
        else:
            turn = self._begin(start)
            self._emit(SpeechStarted(turn.id, start))
        turn.speak(start, self._detector.heard)

    def _pause(self, turn: LiveTurn, stop: int) -> None:
        self._paused_at = stop
        final = turn.pause(stop, self._detector.heard)
        rules = self._rules
        if final and isinstance(rules, SemanticVad):

            def decide(final: asyncio.Task[ChunkPart]) -> None:
                if self._paused_at == stop and not final.cancelled() and not final.exception():
                    text = "".join(segment.text for segment in final.result().segments)
                    self._detector.silence = semantic_silence(text, rules.longest)

            final.add_done_callback(decide)

    def _begin(self, start: int) -> LiveTurn:
        item_id = f"item_{uuid.uuid4().hex[:24]}"
        tracking = self._speakers.tracking(self._options, start)
        self._turn = LiveTurn(item_id, start, self._options, self._recogniser, self._emit, tracking)
        return self._turn

    def _end(self, turn: LiveTurn, stop: int, now: int) -> None:
        """Its speech has stopped at `stop`, and it is committed `now`."""
        self._turn, self._paused_at, self._free_from = None, None, now
        self._detector.close()
        turn.fall_silent(stop, now)
        if self._rules is not None and turn.has_speech:
            self._emit(SpeechStopped(turn.id, now))
        self._emit(Committed(turn.id, self._last_id))
        self._last_id = turn.id
        before = next(reversed(self._answers.values()), None)
        self._answers[turn] = asyncio.create_task(self._answer(turn, now, before))
        self._follow_rules()

    async def _answer(self, turn: LiveTurn, stop: int, before: asyncio.Task[None] | None) -> None:
        event: LiveEvent
        try:
            event = await turn.transcript(stop)
        except TranscriptionServerError as error:
            event = TurnFailed(turn.id, error)
        except asyncio.CancelledError:
            if self._is_closed:
                raise
            # The model was closed, and with it all that was queued.
            event = TurnFailed(turn.id, ModelFailedError("The model was unloaded; send the audio again."))
        except Exception:
            logger.exception("%s: a turn failed", self.id)
            event = TurnFailed(turn.id, UnexpectedError())
        if before:
            await asyncio.wait([before])
        self._emit(event)
        del self._answers[turn]

    def _follow_rules(self) -> None:
        """Turns begin by the latest rules; one that is open ends by its own."""
        if self._options.turns != self._rules:
            self._rules = self._options.turns
            self._detector = TurnDetector(self._rules, self._detector.heard // FRAME)


def _pieces(audio: bytes, size: int) -> Iterator[bytes]:
    return (audio[start : start + size] for start in range(0, len(audio), size))
