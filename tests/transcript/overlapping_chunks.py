"""Random speech, cut into overlapping chunks and recognised in each with small differences."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import strategies as st

from models import Chunk, ChunkResult, Word, seconds
from tests.builders import chunks, result, segment, word

JITTER = 0.2
AS_HEARD = (str, str.capitalize, str.upper, lambda text: f"{text},", lambda text: f"“{text}…")


def spoken(texts: list[str], rng: random.Random, each: float, pauses: float) -> list[Word]:
    """Words of `each` to `each + 0.2` s, one in eight of them followed by a pause."""
    said, now = [], 0.0
    for text in texts:
        stop = now + each + rng.uniform(0, 0.2)
        said.append(word(text, now, stop))
        now = stop + (rng.uniform(0, pauses) if rng.random() < 0.125 else 0)
    return said


def heard(said: list[Word], chunk: Chunk, rng: random.Random) -> ChunkResult:
    """What one chunk makes of it: its own times, spellings and segments."""
    noticed: list[Word] = []
    for true in said:
        if not chunk.heard.start <= (true.start + true.stop) // 2 < chunk.heard.stop:
            continue
        earliest = noticed[-1].start if noticed else chunk.heard.start
        start = max(earliest, true.start + seconds(rng.uniform(-JITTER, JITTER)))
        stop = max(start + 320, true.stop + seconds(rng.uniform(-JITTER, JITTER)))
        text = " " + rng.choice(AS_HEARD)(true.text.strip())
        noticed.append(replace(true, start=start, stop=stop, text=text))
    cuts = [0, *sorted(rng.sample(range(1, len(noticed) + 1), min(len(noticed), 3))), len(noticed)]
    return result(chunk, [segment(noticed[a:b]) for a, b in pairwise(cuts) if a < b])


def cut_anywhere(said: list[Word], rng: random.Random) -> list[Chunk]:
    half, end = rng.uniform(1, 3), said[-1].stop / 16_000 + 0.5
    cuts = [0.0]
    while end - cuts[-1] > 9 * half:  # and so the last, too, is longer than what it shares
        cuts.append(cuts[-1] + rng.uniform(4, 8) * half)
    return chunks([*cuts, end], half)


seeds = st.integers(0, 10**9)
