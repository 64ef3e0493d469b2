"""Renders the text, srt and vtt formats, lazily by line and cue. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from models import SAMPLE_RATE, Transcript
from utils.answers.subtitles import MAX_LINE, Cue, make_cues
from utils.answers.wire import AnswerForm
from utils.speakers.labels import speaker_label

MAX_PREFIX = MAX_LINE // 2  # reserved in a subtitle line; a longer name makes a longer line


def text_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    """One line; with speakers, one line per stretch of the same speaker."""
    if not any(segment.speaker is not None for segment in transcript.segments):
        yield f"{transcript.text}\n"
        return
    for speaker, stretch in groupby(transcript.segments, key=lambda segment: segment.speaker):
        text = "".join(segment.text for segment in stretch).strip()
        yield f"{_prefix(speaker, transcript.names)}{text}\n"


def srt_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    for number, (cue, text) in enumerate(_cues(transcript), start=1):
        before = "\n" if number > 1 else ""
        escaped = text.replace("-->", "→")  # an arrow would end the cue's text
        yield f"{before}{number}\n{_timestamp(cue.start, ',')} --> {_timestamp(cue.stop, ',')}\n{escaped}\n"


def vtt_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue, text in _cues(transcript):
        escaped = html.escape(text, quote=False)
        yield f"\n{_timestamp(cue.start, '.')} --> {_timestamp(cue.stop, '.')}\n{escaped}\n"


def _cues(transcript: Transcript) -> Iterator[tuple[Cue, str]]:
    """Cues with their text, prefixed with the speaker."""
    speakers = {segment.speaker for segment in transcript.segments}
    longest = max((len(_prefix(speaker, transcript.names)) for speaker in speakers), default=0)
    cues = make_cues(transcript.segments, min(longest, MAX_PREFIX))
    return ((cue, _prefix(cue.speaker, transcript.names) + "\n".join(cue.lines)) for cue in cues)


def _prefix(speaker: int | None, names: Sequence[str | None]) -> str:
    if speaker is None:
        return ""
    label = speaker_label(speaker, names)
    return f"{label}: " if label in names else f"Speaker {label}: "


def _timestamp(samples: int, separator: str) -> str:
    milliseconds = samples * 1000 // SAMPLE_RATE
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{milliseconds:03}"
