"""Renders the text, srt and vtt formats, lazily by line and cue. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from models import SAMPLE_RATE, Transcript
from utils.answers.line_breaks import MAX_LINE, cluster_ends, columns
from utils.answers.subtitles import Cue, make_cues
from utils.answers.text_pieces import text_of
from utils.answers.wire import AnswerForm
from utils.speakers.labels import speaker_label

NO_MARKUP = str.maketrans({"<": "<\u2060", "\\": "\\\u2060", "{": "(", "}": ")"})
"""Word joiners keep `<i>` from being a tag and `\\N` a line break; libass hides whatever stands in braces."""


def text_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    """One line; with speakers, one line per stretch of the same speaker."""
    is_empty = True
    for speaker, stretch in groupby(transcript.segments, key=lambda segment: segment.speaker):
        is_empty = False
        yield _prefix(speaker, transcript.names)
        yield from text_of(stretch)
        yield "\n"
    if is_empty:
        yield "\n"


def srt_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    for number, cue in enumerate(_cues(transcript), start=1):
        before = "\n" if number > 1 else ""
        times = f"{_timestamp(cue.start, ',')} --> {_timestamp(cue.stop, ',')}"
        yield f"{before}{number}\n{times}\n{_without_markup(_text(cue))}\n"


def vtt_body(transcript: Transcript, _: AnswerForm) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue in _cues(transcript):
        times = f"{_timestamp(cue.start, '.')} --> {_timestamp(cue.stop, '.')}"
        yield f"\n{times}\n{html.escape(_text(cue), quote=False)}\n"


def _cues(transcript: Transcript) -> Iterator[Cue]:
    def label(speaker: int | None) -> str:
        return _shortened(_prefix(speaker, transcript.names))

    return make_cues(transcript.segments, transcript.num_samples, label)


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _without_markup(text: str) -> str:
    """SubRip has no escapes, so that what players take for markup can only be made ineffective."""
    return text.replace("-->", "→").translate(NO_MARKUP)


def _shortened(prefix: str) -> str:
    """At most half a line of subtitles, ending in `…: ` if the name is longer."""
    if columns(prefix) <= MAX_LINE / 2:
        return prefix
    ends = (
        end
        for end in reversed(cluster_ends(prefix))
        if columns(prefix[:end].rstrip() + "…: ") <= MAX_LINE / 2
    )
    return prefix[: next(ends, 0)].rstrip() + "…: "


def _prefix(speaker: int | None, names: Sequence[str | None]) -> str:
    if speaker is None:
        return ""
    label = speaker_label(speaker, names)
    return f"{label}: " if label in names else f"Speaker {label}: "


def _timestamp(samples: int, separator: str) -> str:
    milliseconds = samples * 1000 // SAMPLE_RATE
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{milliseconds:03}"
