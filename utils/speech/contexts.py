"""How much of the encoder's input each window takes. Pure.

Whisper was trained on windows padded to 30 s, but attention costs the square of the length: a window of ten
seconds with four of silence is encoded in a fifth of the time. With so little silence the text may repeat
its end, which shows; the window is then encoded again in full (docs/benchmarks.md, word error rate).
"""

from __future__ import annotations

from models import seconds

FULL = seconds(30)
SILENCE = seconds(4)  # after a window
STEP = seconds(1)  # so that windows share lengths, and thus batches


def short_contexts(num_samples: int) -> tuple[int, ...]:
    """Padded lengths of a window to try in turn, until a text is reliable: shorter first."""
    shortest = min(-(-(num_samples + SILENCE) // STEP) * STEP, FULL)
    return (shortest, FULL) if shortest < FULL else (FULL,)


def full_context(_: int) -> tuple[int, ...]:
    return (FULL,)
