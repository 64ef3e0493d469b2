"""Punctuation restoration, where the recogniser left none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Protocol

from exceptions import ModelFailedError
from models import Segment
from seams import MarkLabeller
from utils.model_manager import ModelSlot
from utils.words.punctuation import (
    apply_marks,
    bare,
    group_words,
    merge_labels,
    pieces_of,
    plan_windows,
    rebuild,
    unmarked_runs,
)

logger = logging.getLogger(__name__)


class Punctuator(Protocol):
    async def restore(self, segments: Sequence[Segment], language: str | None) -> list[Segment]:
        """The same words and times, with punctuation and the capitals after it; `language` is that of the
        text, None for that of each segment."""


class PunctuationService:
    """Restores punctuation in the model's languages, and only where it is missing."""

    def __init__(self, slot: ModelSlot[MarkLabeller], languages: frozenset[str]) -> None:
        self._slot = slot
        self._languages = languages

    async def restore(self, segments: Sequence[Segment], language: str | None) -> list[Segment]:
        """Segments of one sentence each. If the model fails they are unchanged: better no punctuation than no
        words.

        Raises ModelUnavailableError when the model cannot be loaded.
        """
        runs = groupby(segments, key=lambda segment: language or segment.language or "")
        return [segment for code, run in runs for segment in await self._restore(list(run), code)]

    async def _restore(self, segments: list[Segment], language: str) -> list[Segment]:
        if language not in self._languages:
            return segments
        pieces = [piece for segment in segments for piece in pieces_of(segment)]
        words = ["".join(pieces[n] for n in word) for word in group_words(pieces)]
        try:
            labels = await self._label(words)
        except ModelFailedError as error:
            logger.warning("Punctuation was not restored: %s", error.message)
            return segments
        return list(rebuild(segments, apply_marks(pieces, labels, language), language))

    async def _label(self, words: Sequence[str]) -> dict[int, str]:
        """Labels of the words in unpunctuated runs. Each window is a separate job, so that other requests
        wait for one window at most."""
        labels: dict[int, str] = {}
        for run in unmarked_runs(words):
            windows = plan_windows(run, len(words))
            found = [
                await self._slot.run(partial(_label_window, tuple(bare(words[n]) for n in window)))
                for window in windows
            ]
            merged = merge_labels(windows, found)
            labels |= {word: merged[word] for word in run}
        return labels


def _label_window(words: tuple[str, ...], model: MarkLabeller) -> tuple[str, ...]:
    return model.label(words)
