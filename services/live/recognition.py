"""Recognition of a live session: quick hypotheses of a turn that is still spoken, and final transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace

from models import Audio, Chunk, ChunkPart, Span, Word, seconds
from options import DecodeOptions
from services.live.audio_input import AudioInput
from services.live.pace import Backlog, Pace
from services.whisper.window_languages import Languages
from services.whisper_pool import WhisperPool
from services.whisper_service import Encoded
from utils.live.agreement import plain
from utils.speech.speech_map import split
from utils.speech.spoken_languages import latest
from utils.waiting.fair_queue import Rank
from utils.words.temperature_ladder import is_doubtful

LONGEST_STEP = seconds(30)  # as much as the recogniser takes
KNOWN_LANGUAGE = seconds(2)  # in less speech the language of the turn before is likelier than what is heard
SETTLED_LANGUAGE = seconds(5)  # in so much it is sure


@dataclass(frozen=True, slots=True, eq=False)
class LiveFlow:
    """Work of a session, of one rank. While its audio comes faster than anybody talks, as when a file is
    sent, that is the rank of files."""

    owner: str
    live_rank: Rank
    pace: Pace

    @property
    def rank(self) -> Rank:
        return Rank.FILE if self.pace.is_bulk else self.live_rank


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The words of a window as far as it was heard, up to `edge`, in samples of the stream."""

    words: Sequence[Word]
    edge: int
    language: str | None


class LiveRecogniser:
    """The recogniser as one session uses it."""

    def __init__(self, whisper: WhisperPool, source: AudioInput, owner: str, pace: Pace) -> None:
        self._whisper = whisper
        self._source = source
        self._owner = owner
        self._pace = pace
        self._languages: Languages = ()  # spoken so far, the latest last
        self.backlog = Backlog()

    @property
    def is_bulk(self) -> bool:
        """Whether hypotheses are of no use, as the end of each turn comes before them."""
        return self._pace.is_bulk

    def in_turn(self, options: DecodeOptions) -> AbstractContextManager[None]:
        """Somebody talks: a lane of the recogniser is kept for live work."""
        return self._whisper.in_turn(options.model)

    async def step(
        self, start: int, is_first: bool, language: str | None, options: DecodeOptions
    ) -> Hypothesis | None:
        """A greedy hypothesis of all that has come since `start` by the time that the recogniser is free;
        None if it is not to be believed. `language` is that of the hypothesis before."""
        heard = Span(start, start)

        def read() -> Audio:
            nonlocal heard
            heard = Span(start, min(self._source.audio.stop, start + LONGEST_STEP))
            return self._source.audio.read(heard)

        rank = Rank.FIRST_STEP if is_first else Rank.STEP
        known = options.language or self._likely_language(self._source.audio.stop - start, language)
        found = await self._whisper.step(
            LiveFlow(self._owner, rank, self._pace), read, replace(options, language=known, logprobs=False)
        )
        if is_doubtful(found.text):
            return None
        words = (replace(word, start=start + word.start, stop=start + word.stop) for word in found.text.words)
        return Hypothesis(tuple(filter(plain, words)), heard.stop, found.language)

    async def final(self, window: Span, options: DecodeOptions) -> ChunkPart:
        """The segments of a window, recognised as in a file."""
        flow = LiveFlow(self._owner, Rank.FINAL, self._pace)
        speech = self._source.speech.over(window)
        windows = list(split(window, speech, self._whisper.longest_window))
        chunk = Chunk(0, window.start, window.stop, window)
        read = self._source.audio.read
        parts: list[ChunkPart] = []
        with self.backlog.holding(window.num_samples):
            spoken = self._languages
            encoded: Encoded = {}
            if not (spoken or options.language):
                first = await self._whisper.detect_language(flow, read, windows, options, encoded)
                spoken = (first,) if first else ()
            if spoken or options.language:
                work = self._whisper.transcribe(flow, read, chunk, speech, windows, options, encoded, spoken)
                async with aclosing(work) as stream:
                    parts = [part async for part in stream]
        return ChunkPart.joined(parts, window.stop)

    def settle(self, part: ChunkPart) -> None:
        """The languages of a turn that has ended are known to the turns after it."""
        languages = [segment.language for segment in part.segments if segment.language]
        self._languages = latest(self._languages, languages)

    def _likely_language(self, num_samples: int, before: str | None) -> str | None:
        """The language to assume of so much speech; None to detect it."""
        if num_samples >= SETTLED_LANGUAGE and before:
            return before
        if num_samples < KNOWN_LANGUAGE and self._languages:
            return self._languages[-1]
        return None
