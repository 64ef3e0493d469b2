"""Blocks of a stream, whatever pieces it comes in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import Audio
from tests.builders import thorough
from utils.speakers.step_buffer import HOP, MARGIN, REACH, BlockShape, StepBuffer

shapes = st.builds(BlockShape, st.integers(1, 30), st.integers(0, 8), st.integers(0, 20))

Seen = tuple[int, int, int, int]


def stream(audio: Audio, cuts: list[int], shape: BlockShape) -> list[tuple[Seen, Audio]]:
    """Every block in frames of the recording, with the audio of the buffer it was seen in."""
    buffer, seen = StepBuffer(np.zeros(0, np.float32)), []
    ends = [*sorted(min(cut, len(audio)) for cut in cuts), len(audio)]
    start = 0
    for n, end in enumerate(ends):
        buffer = buffer.append(audio[start:end])
        start = end
        blocks = list(buffer.blocks(shape, is_last=n == len(ends) - 1))
        for block in blocks:
            past = buffer.start
            at = block.start + past, block.first + past, block.last + past, block.stop + past
            seen.append((at, buffer.audio[block.start * HOP : block.stop * HOP]))
            assert block.start >= MARGIN or past == 0
            if n < len(ends) - 1:
                assert (block.stop - 1) * HOP + REACH <= len(buffer.audio)
        buffer = buffer.without(len(blocks), shape)
        held = shape.scored + shape.before + shape.after + MARGIN
        assert n == len(ends) - 1 or len(buffer.audio) < held * HOP + REACH
    return seen


@thorough
@given(shapes, st.integers(0, 40_000), st.lists(st.integers(0, 40_000), max_size=6))
def test_blocks_are_the_same_however_the_audio_is_cut(
    shape: BlockShape, length: int, cuts: list[int]
) -> None:
    audio = np.arange(length, dtype=np.float32)
    whole, cut = stream(audio, [], shape), stream(audio, cuts, shape)
    assert [at for at, _ in whole] == [at for at, _ in cut]
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(whole, cut, strict=True))


@thorough
@given(shapes, st.integers(0, 40_000))
def test_blocks_tile_the_frames(shape: BlockShape, length: int) -> None:
    done = 0
    for (start, first, last, stop), _ in stream(np.zeros(length, np.float32), [], shape):
        assert first == done
        assert (start, stop) == (max(0, first - shape.before), min(length // HOP, last + shape.after))
        done = last
    assert done == length // HOP
