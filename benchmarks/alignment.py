"""Which reference word each word of a transcript stands for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import jiwer

from benchmarks.values import Turn

EQUAL = "equal"


def merge_turns(turns: Sequence[Turn]) -> list[Turn]:
    """Consecutive turns of one speaker as one."""
    groups = (list(group) for _, group in groupby(turns, key=lambda turn: turn.speaker))
    return [
        Turn(
            group[0].start,
            max(turn.end for turn in group),
            group[0].speaker,
            " ".join(turn.text for turn in group),
        )
        for group in groups
    ]


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Kind ("equal", "substitute", "delete" or "insert"), index of the reference word and index of the
    transcript's. An insertion has the index of the reference word after it, or of the last one."""
    if not hypothesis:
        yield from (("delete", index, 0) for index in range(len(reference)))
        return
    output = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    for chunk in output.alignments[0]:
        expected = range(chunk.ref_start_idx, chunk.ref_end_idx)
        actual = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        for step in range(max(len(expected), len(actual))):
            index = expected[step] if expected else min(chunk.ref_start_idx, len(reference) - 1)
            yield chunk.type, index, actual[step] if actual else chunk.hyp_start_idx
