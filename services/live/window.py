"""Speech of a turn as one window of the recogniser: hypotheses while it grows, then its text."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from models import ChunkPart, Span, Word, seconds
from options import LiveOptions
from services.live.recognition import Hypothesis, LiveRecogniser
from utils.live.agreement import DELAYS, Agreement, DelayRules
from utils.waiting.concurrency import stopped

logger = logging.getLogger(__name__)

Tell = Callable[[Sequence[Word], Sequence[Word]], None]
"""Takes the words that are settled now, and those after them that are not."""

FIRST_STEP = seconds(0.4)
FIRST_STEPS = 4  # come sooner, so that a turn shows at once
FINAL_ONLY = DelayRules(step=0)
AFTER_SPEECH = seconds(0.4)  # of silence that belongs to the window, as in files


class SpokenWindow:
    """From `start` on; there is audio up to `edge`. `known` are words at its start that are told already."""

    def __init__(
        self,
        recogniser: LiveRecogniser,
        options: LiveOptions,
        start: int,
        edge: int,
        tell: Tell,
        known: Sequence[Word] = (),
        language: str | None = None,
    ) -> None:
        self.start = start
        self._edge = edge
        self._recogniser = recogniser
        self._options = options
        self._tell = tell
        self._language = language
        self._rules = DELAYS.get(options.delay, FINAL_ONLY)
        self._agreement = Agreement(self._rules, known)
        self._grown = asyncio.Event()
        self._steps = asyncio.create_task(self._step_on()) if self._rules.step else None
        self._final: tuple[int, asyncio.Task[ChunkPart]] | None = (
            None  # and the end of the speech it has heard
        )

    @property
    def told(self) -> Sequence[Word]:
        return self._agreement.told

    @property
    def is_paused(self) -> bool:
        return self._final is not None

    def grow(self, edge: int) -> None:
        """There is more audio, up to `edge`."""
        self._edge = edge
        self._grown.set()

    def pause(self, stop: int, edge: int) -> asyncio.Task[ChunkPart]:
        """Speech has stopped at `stop`, perhaps for good: decode the window, up to `edge`, while the silence
        still counts. The task is cancelled if speech goes on."""
        final = asyncio.create_task(self._decode(Span(self.start, edge)))
        final.add_done_callback(_retrieved)
        self._final = stop, final
        return final

    def resume(self) -> None:
        if self._final:
            self._final[1].cancel()
            self._final = None
        self._grown.set()

    def close(self, stop: int, edge: int) -> asyncio.Task[ChunkPart]:
        """Speech has ended at `stop`, which was noticed at `edge`. The transcript, begun in the pause or
        now."""
        if self._steps:
            self._steps.cancel()
        if self._final and self._final[0] == stop:
            return self._final[1]
        self.resume()
        return self.pause(stop, min(edge, stop + AFTER_SPEECH))

    def told_before(self, cut: int | None) -> Sequence[Word]:
        """The words that are told, all of them or those before the window is cut."""
        return [word for word in self.told if cut is None or _centre(word) < cut]

    def following(self, at: int, edge: int, tell: Tell) -> SpokenWindow:
        """The window that goes on at `at`, amid speech, where this one is cut."""
        known = [word for word in self.told if _centre(word) >= at]
        return SpokenWindow(self._recogniser, self._options, at, edge, tell, known, self._language)

    async def drop(self) -> None:
        """End all work on it."""
        await stopped(*(task for task in (self._steps, self._final and self._final[1]) if task))

    async def _decode(self, window: Span) -> ChunkPart:
        part = await self._recogniser.final(window, self._options.decode)
        words = [word for segment in part.segments for word in segment.words]
        if self._rules.step:  # agreed on: all was heard, so that the edge is no reason for doubt
            self._take(Hypothesis(words, window.stop + self._rules.guard, None))
        return part

    async def _step_on(self) -> None:
        """One hypothesis after the other. One that has to wait hears all that came meanwhile, so that under
        load they come less often, but never late."""
        heard, count = self._edge, 0  # speech was noticed a little after it began
        while True:
            step = self._rules.step if count >= FIRST_STEPS else min(FIRST_STEP, self._rules.step)
            await self._wait_beyond(heard + step)
            try:
                found = await self._recogniser.step(
                    self.start, count == 0, self._language, self._options.decode
                )
            except Exception as error:  # the transcript may still succeed, and says if not
                logger.warning("A hypothesis of a live turn failed: %s", error)
                found = None
            heard, count = self._edge, count + 1
            if found:
                heard, self._language = found.edge, found.language or self._language
                self._take(found)

    async def _wait_beyond(self, sample: int) -> None:
        """Until there is audio up to `sample`, and nothing says that speech may have ended."""
        while self._edge < sample or self._final or self._recogniser.is_bulk:
            self._grown.clear()
            await self._grown.wait()

    def _take(self, found: Hypothesis) -> None:
        new = self._agreement.feed(found.words, found.edge)
        self._tell(new, self._agreement.rest)


def _centre(word: Word) -> int:
    return (word.start + word.stop) // 2


def _retrieved(final: asyncio.Task[ChunkPart]) -> None:
    """Of a transcript that nobody needs, since speech went on, the error is of no interest either."""
    _ = final.cancelled() or final.exception()
