"""Values for tests, times in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from models import Chunk, ChunkResult, ChunkSpeakers, Segment, Span, SpeakerTurn, Transcript, Word, seconds
from utils.speech.speech_map import Probabilities

thorough = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
"""For properties: the same examples in every run, however busy the machine."""

NOBODY = ChunkSpeakers()


def word(text: str, start: float, stop: float, speaker: int | None = None, space: str = " ") -> Word:
    return Word(seconds(start), seconds(stop), space + text, 0.9, (len(text),), speaker)


def words(text: str, start: float = 0.0, each: float = 0.4) -> list[Word]:
    """The words of `text`, one after the other, `each` seconds long."""
    return [word(part, start + n * each, start + (n + 1) * each) for n, part in enumerate(text.split())]


def segment(of: Sequence[Word], speaker: int | None = None) -> Segment:
    return Segment(
        start=of[0].start,
        stop=max(word.stop for word in of),
        text="".join(word.text for word in of),
        words=tuple(of),
        tokens=tuple(token for word in of for token in word.tokens),
        window_start=of[0].start,
        temperature=0.0,
        avg_logprob=-0.25,
        compression_ratio=1.5,
        no_speech_prob=0.01,
        speaker=speaker,
    )


def transcript(segments: Iterable[Segment], turns: Iterable[SpeakerTurn] = ()) -> Transcript:
    made = tuple(segments)
    return Transcript("en", max((s.stop for s in made), default=0) + seconds(1), made, tuple(turns))


def turn(start: float, stop: float, speaker: int) -> SpeakerTurn:
    return SpeakerTurn(seconds(start), seconds(stop), speaker)


def chunks(cuts: Sequence[float], half_overlap: float) -> list[Chunk]:
    """Chunks between successive `cuts`, the first and last of which are the ends of the recording."""
    ends = [seconds(cut) for cut in cuts]
    half = seconds(half_overlap)
    return [
        Chunk(n, start, stop, Span(max(ends[0], start - half), min(ends[-1], stop + half)))
        for n, (start, stop) in enumerate(pairwise(ends))
    ]


def result(chunk: Chunk, segments: Iterable[Segment] = (), speakers: ChunkSpeakers = NOBODY) -> ChunkResult:
    return ChunkResult(chunk, "en", tuple(segments), speakers)


def probabilities(longest_run: int = 60) -> st.SearchStrategy[Probabilities]:
    """Runs of frames at levels around the thresholds."""
    levels = st.sampled_from([0.0, 0.2, 0.34, 0.36, 0.45, 0.5, 0.7, 1.0])
    runs = st.lists(st.tuples(levels, st.integers(1, longest_run)), min_size=1, max_size=20)
    return runs.map(frames)


def frames(runs: Iterable[tuple[float, int]]) -> Probabilities:
    """`(probability, how many frames)` in order."""
    pairs = list(runs)
    return np.repeat(np.array([p for p, _ in pairs], np.float32), [n for _, n in pairs])
