"""Which decoding of a window to keep, and when to try a higher temperature. Pure.

The ladder and its thresholds are those of the Whisper paper (Radford et al. 2022), section 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models import WindowText

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MAX_COMPRESSION_RATIO = 2.4  # above it the text repeats itself
MIN_AVG_LOGPROB = -1.0
MAX_NO_SPEECH_PROB = 0.6
SURE_OF_SPEECH = 0.5  # the threshold that Silero was made for


def next_rung(tries: Sequence[WindowText], asked: float) -> float | None:
    """The temperature to decode at next, where the caller asked for `asked`; None when it is over."""
    if tries and not is_doubtful(tries[-1]):
        return None
    ladder = LADDER if asked == 0 else (asked,)
    return ladder[len(tries)] if len(tries) < len(ladder) else None


def is_doubtful(text: WindowText) -> bool:
    """It failed a test that a higher temperature may pass; what is no speech at all is let be."""
    repeats = text.compression_ratio > MAX_COMPRESSION_RATIO
    return (repeats or text.avg_logprob < MIN_AVG_LOGPROB) and not _is_silence(text)


def settle(tries: Sequence[WindowText]) -> WindowText:
    """The best try; without its words where the recogniser itself doubts that anyone speaks."""
    best = _best(tries)
    return without_words(best) if _is_silence(best) else best


def is_no_speech(text: WindowText, speech_prob: float) -> bool:
    """Whether recogniser and speech detector, whose highest probability in the window is `speech_prob`, agree
    that nobody speaks.

    Such windows come where a caller has the detector take everything for speech. Silence is then "you" to
    Whisper, which takes it for likely enough to pass its own tests.
    """
    return text.no_speech_prob > MAX_NO_SPEECH_PROB and speech_prob < SURE_OF_SPEECH


def without_words(text: WindowText) -> WindowText:
    counts = replace(text.counts, output=0)
    return replace(text, text="", tokens=(), words=(), logprobs=(), counts=counts)


def _best(tries: Sequence[WindowText]) -> WindowText:
    """The last try if it passed, else the likeliest, preferably one that does not repeat itself."""
    if not is_doubtful(tries[-1]):
        return tries[-1]
    fresh = [text for text in tries if text.compression_ratio <= MAX_COMPRESSION_RATIO]
    return max(fresh or tries, key=lambda text: text.avg_logprob)


def _is_silence(text: WindowText) -> bool:
    return text.no_speech_prob > MAX_NO_SPEECH_PROB and text.avg_logprob < MIN_AVG_LOGPROB
