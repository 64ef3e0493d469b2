"""The figures of sessions side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path

from benchmarks.client import Client
from benchmarks.live.excerpts import Excerpt
from benchmarks.live.measures import Lags, Said, TurnLags, lags, p50_p90, said_words, turn_lags
from benchmarks.live.systems import Run
from benchmarks.live.told import changed_words
from benchmarks.load.callers import write_clip
from benchmarks.report import percent
from benchmarks.text_scores import Errors, count_errors
from utils.audio_utils import as_audio


@dataclass(frozen=True, slots=True)
class Known:
    """An excerpt, and what the file path makes of it."""

    excerpt: Excerpt
    said: Sequence[Said]
    errors: Errors


@dataclass(frozen=True, slots=True)
class Score:
    lags: Lags = field(default_factory=Lags)
    turns: TurnLags = field(default_factory=TurnLags)
    changed: int = 0
    told: int = 0
    errors: Errors = field(default_factory=Errors)
    by_file: Errors = field(default_factory=Errors)
    cpu: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.lags + other.lags,
            self.turns + other.turns,
            self.changed + other.changed,
            self.told + other.told,
            self.errors + other.errors,
            self.by_file + other.by_file,
            self.cpu + other.cpu,
            self.seconds + other.seconds,
        )

    def cells(self) -> tuple[str, ...]:
        return (
            *map(p50_p90, (self.lags.first, self.turns.sign, self.lags.word, self.lags.last)),
            p50_p90(self.turns.final),
            p50_p90(self.turns.ended),
            percent(self.changed / self.told) if self.told else "–",
            percent(self.errors.rate),
            percent(self.by_file.rate),
            f"{self.cpu / self.seconds:.2f}",
        )


def by_file(base_url: str, excerpt: Excerpt) -> Known:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.wav"
        write_clip(clip, as_audio(excerpt.pcm_16_khz))
        body = Client(base_url).transcribe_words(clip, language=excerpt.language).body
    errors = count_errors(excerpt.text, body["text"], excerpt.language)
    return Known(excerpt, said_words(body["words"], excerpt.language), errors)


def score(run: Run, known: Sequence[Known]) -> Score:
    found = [
        Score(
            lags(each.said, session.told),
            turn_lags(each.said, session.turns),
            *changed_words(session.turns, each.excerpt.language),
            count_errors(each.excerpt.text, session.text, each.excerpt.language),
            each.errors,
            seconds=each.excerpt.seconds,
        )
        for session, each in zip(run.sessions, known, strict=True)
    ]
    return reduce(add, found, Score(cpu=run.cpu))
