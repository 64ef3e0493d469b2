"""One turn of a live session: its words while they are spoken, and its transcript."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from models import ChunkPart, Segment, Span, SpokenLanguage, Word, seconds
from options import Delay, LiveOptions
from services.live.labelling import SpeakerTracking
from services.live.recognition import LiveRecogniser
from services.live.window import SpokenWindow
from utils.live.agreement import after
from utils.live.events import LiveEvent, TextDelta, TurnCompleted
from utils.live.running_text import RunningText, Told
from utils.speech.speech_map import SpeechMap
from utils.waiting.concurrency import stopped

# A window over the first length is cut in a pause between words that are told, over the second wherever it is
# quietest: the recogniser takes no more, and a step over a long window takes long.
LONG_WINDOW, LONGEST_WINDOW = seconds(20), seconds(28)
SHORTEST_PART = seconds(8)
AFTER_PAUSE = seconds(0.1)  # into the silence, where the next window begins


@dataclass(frozen=True, slots=True)
class _Part:
    """A window that has ended: where it begins, its text, and the same once those before it are settled."""

    start: int
    final: asyncio.Task[ChunkPart]
    settled: asyncio.Task[ChunkPart]


class LiveTurn:
    """A turn consists of windows: one that is open while somebody talks, and those before it, whose text is
    settled. Several only if it is long, or if the client commits it and there are pauses in it."""

    def __init__(
        self,
        item_id: str,
        start: int,
        options: LiveOptions,
        recogniser: LiveRecogniser,
        emit: Callable[[LiveEvent], None],
        tracking: SpeakerTracking | None = None,
    ) -> None:
        self.id = item_id
        self.start = start
        self.options = options
        self._recogniser = recogniser
        self._emit = emit
        self._text = RunningText(options.strict_deltas or options.delay in (Delay.HIGH, Delay.XHIGH))
        self._interim: str | None = "" if options.interim else None
        self._window: SpokenWindow | None = None
        self._parts: list[_Part] = []
        self._lane = ExitStack()
        self._tracking = tracking
        self._labelling = tracking.label(item_id, options.revise, emit) if tracking else None

    @property
    def is_spoken(self) -> bool:
        """Whether somebody talks."""
        return self._window is not None

    @property
    def has_speech(self) -> bool:
        """Whether somebody has talked."""
        return bool(self._parts or self._window)

    @property
    def needed_from(self) -> int | None:
        """The first sample that may still be read; None if there is none."""
        waiting = next((part.start for part in self._parts if not part.settled.done()), None)
        return waiting if waiting is not None or not self._window else self._window.start

    def speak(self, start: int, edge: int) -> None:
        """Speech begins after `start`; there is audio up to `edge`."""
        self._lane.enter_context(self._recogniser.in_turn(self.options.decode))
        tell = partial(self._tell, len(self._parts))
        self._window = SpokenWindow(self._recogniser, self.options, start, edge, tell)

    def grow(self, edge: int, speech: Callable[[Span], SpeechMap]) -> None:
        """There is more audio, up to `edge`; `speech` says how likely any span of it is speech."""
        if self._window is None:
            return
        self._window.grow(edge)
        if self._window.is_paused:  # its text is that of the pause, unless somebody talks again
            return
        if (at := self._cut(self._window, edge, speech)) is not None:
            self._cut_at(self._window, at, at, edge)

    def pause(self, stop: int, edge: int) -> asyncio.Task[ChunkPart] | None:
        """Speech has stopped at `stop`, perhaps for good, as is noticed at `edge`. The task has the text of
        the open window."""
        return self._window.pause(stop, edge) if self._window else None

    def resume(self, stop: int, edge: int) -> None:
        """After the pause that began at `stop`, somebody talks again. A window that is long enough ends in
        it, as its text has just been decoded."""
        if self._window is None:
            return
        if stop - self._window.start >= SHORTEST_PART:
            self._cut_at(self._window, stop + AFTER_PAUSE, stop, edge)
        else:
            self._window.resume()

    def fall_silent(self, stop: int, edge: int) -> None:
        """Speech has ended at `stop`, as is noticed at `edge`."""
        if self._window:
            self._settle(self._window, stop, edge, None)
            self._window = None
        self._lane.close()

    async def transcript(self, stop: int) -> TurnCompleted:
        """Of the turn, which ended at `stop`; the delta that completes it comes before. Raises what the
        recogniser raises; then nothing more is told of it."""
        hearing = asyncio.ensure_future(self._hear_speakers(stop))
        try:
            parts = [await part.settled for part in self._parts]
            await hearing
        finally:
            await stopped(hearing)
            await self.drop()
        whole = ChunkPart.joined(parts, stop)
        segments = whole.segments
        labels: tuple[str, ...] = ()
        if self._labelling:
            segments = self._labelling.finish(segments)
            labels = self._labelling.labels(segments)
        return TurnCompleted(
            self.id,
            self._text.text,
            segments,
            labels,
            counts=whole.counts,
            num_samples=stop - self.start,
            languages=tuple(_languages(segments)),
        )

    async def drop(self) -> None:
        """End all work on it."""
        self._lane.close()
        if self._tracking and self._labelling:
            self._tracking.drop(self._labelling)
        if self._window:
            await self._window.drop()
        # A part that waits for those before it does not pass its end on to its own text.
        await stopped(*(task for part in self._parts for task in (part.settled, part.final)))

    def _cut(self, window: SpokenWindow, edge: int, speech: Callable[[Span], SpeechMap]) -> int | None:
        """Where to end a window that has become long."""
        length = edge - window.start
        told = window.told[-1].stop if window.told else window.start
        if length >= LONG_WINDOW and told - window.start >= SHORTEST_PART:
            among = Span(window.start + SHORTEST_PART, told)
        elif length >= LONGEST_WINDOW:
            among = Span(window.start + SHORTEST_PART, edge - seconds(1))
        else:
            return None
        return speech(among).quietest(among)

    def _cut_at(self, window: SpokenWindow, at: int, stop: int, edge: int) -> None:
        """The window ends with the speech before `stop`, and another begins at `at`."""
        self._settle(window, stop, at, at)
        self._window = window.following(at, edge, partial(self._tell, len(self._parts)))

    def _settle(self, window: SpokenWindow, stop: int, edge: int, cut: int | None) -> None:
        """The window ends at `stop`; its text follows that of the windows before it."""
        before = self._parts[-1].settled if self._parts else None
        final = window.close(stop, edge)
        settled = asyncio.create_task(self._settled(before, window, final, cut))
        self._parts.append(_Part(window.start, final, settled))

    async def _settled(
        self,
        before: asyncio.Task[ChunkPart] | None,
        window: SpokenWindow,
        final: asyncio.Task[ChunkPart],
        cut: int | None,
    ) -> ChunkPart:
        if before:
            await before
        part = await final
        self._recogniser.settle(part)
        told = window.told_before(cut)
        self._send(self._text.settle(told, part.segments))
        if self._labelling:
            self._labelling.tell(after(told, [word for segment in part.segments for word in segment.words]))
        return part

    async def _hear_speakers(self, stop: int) -> None:
        if self._tracking and self._labelling:
            with self._recogniser.backlog.holding(max(0, stop - self._tracking.speakers.told_until)):
                await self._tracking.finish(self._labelling, stop)

    def _tell(self, window: int, new: Sequence[Word], rest: Sequence[Word]) -> None:
        self._send(self._text.tell(window, new, rest))
        if self._labelling:
            self._labelling.tell(new)

    def _send(self, told: Sequence[Told]) -> None:
        """Deltas that change what the client shows."""
        for piece in told:
            interim = piece.interim if self.options.interim else None
            if piece.text or interim != self._interim:
                self._interim = interim
                self._emit(TextDelta(self.id, piece.text, interim))


def _languages(segments: Sequence[Segment]) -> Iterator[str]:
    lengths: Counter[str] = Counter()
    for segment in segments:
        if segment.language:
            lengths[segment.language] += segment.stop - segment.start
    return (language.code for language in SpokenLanguage.ranked(lengths))
