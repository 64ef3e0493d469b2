"""Splits the speech of a recording into windows for the recogniser. Pure."""

from __future__ import annotations

from dataclasses import replace

from models import Span, seconds
from options import VoiceActivity
from utils.speech.speech_map import SpeechMap, SpeechRules, halved, pack_windows

LONE_WINDOW = seconds(12)  # from which a lone one is cut in two
MAX_GAP = seconds(3)  # a longer pause is left out, as the recogniser would hallucinate in it
NO_GAP = -1  # less than any gap: regions are never joined
HYSTERESIS = 0.15  # how far the offset threshold is below the onset, as in Silero


def speech_windows(speech: SpeechMap, requested: VoiceActivity, longest: int) -> list[Span]:
    """Windows of at most `longest` samples. If the caller sets a length of silence, it ends a window;
    otherwise one spans short pauses, since the recogniser does better with more context."""
    gap = MAX_GAP if requested.silence is None else NO_GAP
    return pack_windows(speech, speech_rules(requested), longest, gap)


def share_out(windows: list[Span], speech: SpeechMap, requested: VoiceActivity) -> list[Span]:
    """A lone long window becomes two of similar length, for two lanes to work on at once: cut in the longest
    pause of its middle half, if there is one."""
    if len(windows) != 1 or windows[0].num_samples < LONE_WINDOW:
        return windows
    bare = speech.regions(replace(speech_rules(requested), pad=0, pad_before=0))
    return halved(windows[0], bare) or windows


def speech_rules(requested: VoiceActivity) -> SpeechRules:
    defaults = SpeechRules()
    onset = defaults.onset if requested.threshold is None else requested.threshold
    return SpeechRules(
        onset=onset,
        offset=max(onset - HYSTERESIS, 0.01),
        min_silence=defaults.min_silence if requested.silence is None else requested.silence,
        pad_before=requested.padding,
    )
