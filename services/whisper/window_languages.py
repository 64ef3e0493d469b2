"""The language of each window of a chunk, and where a window is cut because its language changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeAlias

from models import Span, seconds
from options import DecodeOptions
from seams import EncodedWindow
from services.whisper.batcher import WhisperBatcher
from services.whisper.window_recognition import Piece, WindowEncoder
from utils.audio_utils import ReadSamples
from utils.speech.contexts import FULL
from utils.speech.speech_map import SpeechMap, split, within
from utils.speech.spoken_languages import (
    LONGEST,
    SURE,
    Stretch,
    latest,
    settled_language,
    spoken_languages,
)
from utils.waiting.fair_queue import Flow

FIRST_WINDOWS = 3  # vote for the first language, where none of them is sure
SHORT = seconds(5)  # the language of a window below this is less certain in a short context

Languages: TypeAlias = tuple[str, ...]
"""Those spoken so far, the latest last."""

Run: TypeAlias = tuple[str, list[Stretch]]
"""Stretches in one language."""


@dataclass(frozen=True, slots=True)
class LanguageDetector:
    """Detects languages in one recording, among those that the options allow."""

    encoder: WindowEncoder
    batcher: WhisperBatcher
    flow: Flow
    samples: ReadSamples
    options: DecodeOptions

    async def first(
        self, windows: Sequence[Span], encoded: dict[Span, asyncio.Future[EncodedWindow]]
    ) -> str | None:
        """The most probable language of the first windows; None in silence. What is encoded for it is added
        to `encoded`."""
        votes: Counter[str] = Counter()
        for window in windows[:FIRST_WINDOWS]:
            if window not in encoded:
                encoded[window] = asyncio.ensure_future(self.encode(window))
            found = await self.probabilities(window, await encoded[window])
            votes.update(found)
            if _is_sure(found):
                break
        return votes.most_common(1)[0][0] if votes else None

    async def encode(self, window: Span) -> EncodedWindow:
        """In its first context."""
        return await self.encoder.encode(self.flow, self.samples, window, self.options)

    async def probabilities(self, window: Span, encoded: EncodedWindow) -> Mapping[str, float]:
        """Of each language in the window."""
        found = allowed(await self.batcher.language_probabilities(self.flow, encoded), self.options)
        is_short = window.num_samples < SHORT and self.encoder.contexts(window.num_samples)[0] < FULL
        if is_short and not _is_sure(found):
            full = await self.encoder.encode(self.flow, self.samples, window, self.options, FULL)
            found = allowed(await self.batcher.language_probabilities(self.flow, full), self.options)
        return found

    async def stretches(self, window: Span, encoded: EncodedWindow, spans: Sequence[Span]) -> list[Stretch]:
        """The languages of `spans`, which are the speech of the window."""
        parts = [Span(span.start - window.start, span.stop - window.start) for span in spans]
        found = await self.batcher.languages_of_parts(self.flow, encoded, parts) if parts else ()
        return [Stretch(span, allowed(each, self.options)) for span, each in zip(spans, found, strict=True)]


class WindowLanguages:
    """Follows the languages of a chunk from window to window. Each starts from the language before it, but
    windows are encoded, heard and decoded side by side: they wait only for what was heard before."""

    def __init__(
        self,
        detector: LanguageDetector,
        speech: SpeechMap,
        voiced: Sequence[Span],
        before: Languages,
        is_start: bool,
    ) -> None:
        """`before` is a guess at the start of a recording."""
        self._detector = detector
        self._speech = speech
        self._voiced = voiced
        self._is_start = is_start
        self._before: asyncio.Future[Languages] = asyncio.Future()
        self._before.set_result(before)

    def follow(self) -> Turn:
        """The turn of the next window; turns are taken in the order of the windows."""
        turn = Turn(self._before, self._is_start)
        self._before, self._is_start = turn.after, False
        return turn

    async def pieces(self, window: Span, encoded: EncodedWindow | None, turn: Turn) -> list[Piece]:
        """The window as a whole, unless another language begins in it."""
        encoded = encoded or await self._detector.encode(window)
        stretches = await self._detector.stretches(window, encoded, self._spans(window))
        before = await turn.before
        runs = _runs(stretches, spoken_languages(stretches, before, turn.is_start)) or [(before[-1], [])]
        pieces = await self._cut(window, encoded, runs, before)
        turn.after.set_result(latest(before, [piece.language for piece in pieces]))
        return pieces

    def _spans(self, window: Span) -> list[Span]:
        heard = within(self._voiced, window)
        return [piece for span in heard for piece in split(span, self._speech, LONGEST)]

    async def _cut(
        self, window: Span, encoded: EncodedWindow, runs: Sequence[Run], before: Languages
    ) -> list[Piece]:
        """A piece that seems to be in another language is encoded and heard alone, since what surrounds it
        colours what is heard of it."""
        last = before[-1]
        pieces: list[Piece] = []
        for span, (language, run) in zip(self._between(window, runs), runs, strict=True):
            piece = Piece(span, language, encoded if span == window else None)
            if language != last:
                piece = await self._heard_alone(piece, run, latest(before, [last]))
            if pieces and piece.language == last:
                pieces[-1] = Piece(Span(pieces[-1].span.start, span.stop), last)
            else:
                pieces.append(piece)
            last = piece.language
        return pieces if len(pieces) > 1 else [Piece(window, last, encoded)]

    async def _heard_alone(self, piece: Piece, run: Sequence[Stretch], before: Languages) -> Piece:
        encoded = piece.encoded or await self._detector.encode(piece.span)
        alone = await self._detector.probabilities(piece.span, encoded)
        return Piece(piece.span, settled_language(run, piece.language, alone, before), encoded)

    def _between(self, window: Span, runs: Sequence[Run]) -> list[Span]:
        """The window cut in the pauses between the runs."""
        pauses = [
            Span(before[-1].span.stop, after[0].span.start) for (_, before), (_, after) in pairwise(runs)
        ]
        cuts = [self._speech.quietest(pause) for pause in pauses]
        return [Span(*ends) for ends in pairwise([window.start, *cuts, window.stop])]


class Turn:
    """What was spoken before a window, and what has been after it."""

    def __init__(self, before: asyncio.Future[Languages], is_start: bool) -> None:
        self.before = before
        self.is_start = is_start
        self.after: asyncio.Future[Languages] = asyncio.Future()


def allowed(probabilities: Mapping[str, float], options: DecodeOptions) -> Mapping[str, float]:
    """Those of the languages among which the options let the detector choose."""
    return {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}


def _runs(stretches: Sequence[Stretch], languages: Sequence[str]) -> list[Run]:
    pairs = groupby(zip(languages, stretches, strict=True), key=lambda pair: pair[0])
    return [(language, [stretch for _, stretch in run]) for language, run in pairs]


def _is_sure(probabilities: Mapping[str, float]) -> bool:
    return max(probabilities.values()) > SURE * sum(probabilities.values())
