"""Temperature fallback: which decode of a window to keep, and when to retry at a higher temperature. Pure.

The ladder and its thresholds are those of the Whisper paper (Radford et al. 2022), section 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models import WindowText

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MAX_COMPRESSION_RATIO = 2.4  # above it the text is repetitive
MIN_AVG_LOGPROB = -1.0
MAX_NO_SPEECH_PROB = 0.6
MIN_SPEECH_SHARE = 0.02  # of a window: the detector takes single frames of music and kitchens for speech
UNSUPPORTED_NO_SPEECH_PROB = 0.3  # those get 0.4 and more from Whisper base


def next_rung(tries: Sequence[WindowText], requested: float) -> float | None:
    """The temperature to decode at next, given the one requested; None when no retry is due."""
    if tries and not is_doubtful(tries[-1]):
        return None
    ladder = LADDER if requested == 0 else (requested,)
    return ladder[len(tries)] if len(tries) < len(ladder) else None


def is_doubtful(text: WindowText) -> bool:
    """Whether it fails a test that a higher temperature may pass; silence is not retried."""
    repeats = text.compression_ratio > MAX_COMPRESSION_RATIO
    return (repeats or text.avg_logprob < MIN_AVG_LOGPROB) and not _is_silence(text)


def settle(tries: Sequence[WindowText]) -> WindowText:
    """The best try, without its words if the recogniser itself takes it for silence."""
    best = _best(tries)
    return without_words(best) if _is_silence(best) else best


def is_no_speech(text: WindowText, speech_share: float) -> bool:
    """Whether recogniser and speech detector, which is sure of `speech_share` of the window, agree that there
    is no speech. Where the detector hears nobody, little doubt of the recogniser suffices.

    Such windows occur when a caller's threshold lets everything pass as speech. Whisper then hallucinates
    "you" in silence and "I don't know" in noise, with probabilities that pass its own tests.
    """
    return speech_share < MIN_SPEECH_SHARE and text.no_speech_prob > UNSUPPORTED_NO_SPEECH_PROB


def without_words(text: WindowText) -> WindowText:
    counts = replace(text.counts, output=0)
    return replace(text, text="", tokens=(), words=(), logprobs=(), counts=counts)


def _best(tries: Sequence[WindowText]) -> WindowText:
    """The last try if it passed, else the most likely one, preferably without repetition."""
    if not is_doubtful(tries[-1]):
        return tries[-1]
    varied = [text for text in tries if text.compression_ratio <= MAX_COMPRESSION_RATIO]
    return max(varied or tries, key=lambda text: text.avg_logprob)


def _is_silence(text: WindowText) -> bool:
    return text.no_speech_prob > MAX_NO_SPEECH_PROB and text.avg_logprob < MIN_AVG_LOGPROB
