"""The languages of windows and of their parts, from what is encoded already.

Cross-attention has no positions of its own, so any choice of encoder states can stand for a window. It wants
silence beside the speech, as in the windows that Whisper was trained on; without it far more are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models import Span

SAMPLES_PER_POSITION = 320  # the encoder halves the frame rate
SPEECH = 96  # positions of each part
SILENCE = 64  # positions between and after the parts, the same for each

States = npt.NDArray[np.generic]
Positions = npt.NDArray[np.intp]


def detect_languages(model: Any, states: States) -> list[dict[str, float]]:
    """The probability of each language in each of `states`, (windows, positions, features)."""
    if not model.is_multilingual:
        return [{"en": 1.0} for _ in states]
    found = model.detect_language(storage(states))
    return [{token[2:-2]: probability for token, probability in each} for each in found]  # from `<|en|>`


def storage(array: npt.NDArray[np.generic]) -> Any:
    """The array as CTranslate2 takes it."""
    from ctranslate2 import StorageView

    return StorageView.from_array(array)


def sample_parts(states: States, parts: Sequence[Span]) -> States:
    """(parts, SPEECH + SILENCE, features), evenly spaced from `states`, (positions, features). `parts` are in
    samples of the window."""
    speech = [_positions(part, len(states)) for part in parts]
    silence = np.setdiff1d(np.arange(len(states)), np.concatenate(speech))
    return np.stack([states[_chosen(own, silence if len(silence) else own)] for own in speech])


def _positions(part: Span, count: int) -> Positions:
    """At least one."""
    first = min(part.start // SAMPLES_PER_POSITION, count - 1)
    return np.arange(first, max(first + 1, min(part.stop // SAMPLES_PER_POSITION, count)))


def _chosen(speech: Positions, silence: Positions) -> Positions:
    return np.concatenate([_evenly(speech, SPEECH), _evenly(silence, SILENCE)])


def _evenly(positions: Positions, number: int) -> Positions:
    return positions[np.arange(number) * len(positions) // number]
