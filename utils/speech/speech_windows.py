"""What of a recording the recogniser hears, and in which windows. Pure."""

from __future__ import annotations

from models import Span, seconds
from options import VoiceActivity
from utils.speech.speech_map import SpeechMap, SpeechRules, pack_windows

WINDOW = seconds(30)  # what Whisper hears at once
WIDEST_GAP = seconds(3)  # a longer pause is not shown to the recogniser, which would fill it with words
APART = -1  # a gap that no two regions have
HYSTERESIS = 0.15  # speech ends so much below the threshold at which it begins, as in Silero


def speech_windows(speech: SpeechMap, asked: VoiceActivity) -> list[Span]:
    """Windows of at most 30 s. A length of silence that the caller names ends a window; otherwise one spans
    short pauses, since the recogniser does better with more around a word."""
    gap = WIDEST_GAP if asked.silence is None else APART
    return pack_windows(speech, speech_rules(asked), WINDOW, gap)


def speech_rules(asked: VoiceActivity) -> SpeechRules:
    ours = SpeechRules()
    onset = ours.onset if asked.threshold is None else asked.threshold
    return SpeechRules(
        onset=onset,
        offset=max(onset - HYSTERESIS, 0.01),
        min_silence=ours.min_silence if asked.silence is None else asked.silence,
        pad_before=asked.padding,
    )
