"""How much of the encoder's input each window takes. Pure.

Whisper was trained on windows padded to 30 s, but attention costs the square of the length: a window of ten
seconds with four of silence is encoded in a fifth of the time. With so little silence the text may repeat
its end, which shows; the window is then encoded again with more (docs/benchmarks.md, word error rate).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from models import seconds

Contexts: TypeAlias = Callable[[int], tuple[int, ...]]
"""The padded lengths to encode a window of so many samples with, in turn, until its text is reliable."""

FULL = seconds(30)
SILENCE = seconds(4)  # after a window
SAFE_SILENCE = seconds(10)  # does as well as all that the encoder was trained on
ECONOMICAL = seconds(22)  # with windows of 30 s conversations cost a third more
STEP = seconds(1)  # so that windows share lengths, and thus batches


def short_contexts(num_samples: int) -> tuple[int, ...]:
    """Padded lengths of a window to try in turn, until a text is reliable: shorter first."""
    lengths = (_padded(num_samples, silence) for silence in (SILENCE, SAFE_SILENCE))
    return tuple(dict.fromkeys(lengths))


def longest_window(contexts: Contexts) -> int:
    """The longest window to plan: less than the model takes where attention over it costs. No words are lost,
    as speech that a text leaves out is heard again."""
    return FULL if contexts(1) == (FULL,) else ECONOMICAL


def full_context(_: int) -> tuple[int, ...]:
    return (FULL,)


def _padded(num_samples: int, silence: int) -> int:
    return min(-(-(num_samples + silence) // STEP) * STEP, FULL)
