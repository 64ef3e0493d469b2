"""Transcript to body and media type. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from pydantic import BaseModel

from models import SAMPLE_RATE, Segment, Transcript
from options import Granularity, ResponseFormat, Task
from utils.languages import LANGUAGES
from utils.speaker_labels import every_speaker, speaker_label
from utils.subtitles import MAX_LINE, Cue, make_cues
from utils.token_logprobs import wire_logprobs
from utils.usage import duration_usage, usage_of
from utils.wire import (
    AnswerForm,
    TranscriptionDiarizedJson,
    TranscriptionJson,
    TranscriptionVerboseJson,
    WireDiarizedSegment,
    WireLanguage,
    WireSegment,
    WireTurn,
    WireWord,
)

Names = Sequence[str | None]

FRAMES_PER_SECOND = 100  # the unit of Whisper's `seek`
LONGEST_PREFIX = MAX_LINE // 2  # kept free in a line of a subtitle; a longer name makes a longer line

MEDIA_TYPES = {
    ResponseFormat.TEXT: "text/plain; charset=utf-8",
    ResponseFormat.SRT: "application/x-subrip; charset=utf-8",
    ResponseFormat.VTT: "text/vtt; charset=utf-8",
}


def render(transcript: Transcript, form: AnswerForm) -> tuple[bytes, str]:
    """The body and its media type."""
    match form.format:
        case ResponseFormat.JSON:
            body = _dump(_json(transcript, form))
        case ResponseFormat.TEXT:
            body = "".join(f"{line}\n" for line in _lines(transcript))
        case ResponseFormat.SRT:
            body = _srt(transcript)
        case ResponseFormat.VTT:
            body = _vtt(transcript)
        case ResponseFormat.VERBOSE_JSON:
            body = _dump(_verbose_json(transcript, form))
        case ResponseFormat.DIARIZED_JSON:
            body = _dump(_diarized_json(transcript, form))
    return body.encode(), MEDIA_TYPES.get(form.format, "application/json")


def _dump(body: BaseModel) -> str:
    """JSON, item by item: one call for a day of words would hold the interpreter, and every other request."""
    fields = ((name, value) for name, value in body if value is not None)
    return "{" + ",".join(f"{json.dumps(name)}:{_dump_value(value)}" for name, value in fields) + "}"


def _dump_value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ",".join(item.model_dump_json(exclude_none=True) for item in value) + "]"
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_none=True)
    return json.dumps(value, ensure_ascii=False)


def languages(transcript: Transcript) -> list[WireLanguage]:
    """Empty where nobody speaks, as the client's types have it."""
    return [WireLanguage(code=transcript.language)] if transcript.language else []


def _json(transcript: Transcript, form: AnswerForm) -> TranscriptionJson:
    return TranscriptionJson(
        text=transcript.text,
        languages=languages(transcript),
        logprobs=wire_logprobs(transcript.segments) if form.logprobs else None,
        usage=usage_of(transcript, form),
    )


def _verbose_json(transcript: Transcript, form: AnswerForm) -> TranscriptionVerboseJson:
    segments = words = None
    if Granularity.SEGMENT in form.granularities:
        segments = [
            _segment(number, segment, transcript.names) for number, segment in enumerate(transcript.segments)
        ]
    if Granularity.WORD in form.granularities:
        words = [
            WireWord(
                word=word.text.strip(),
                start=_seconds(word.start),
                end=_seconds(word.stop),
                probability=word.probability,
                speaker=_label(word.speaker, transcript.names),
            )
            for word in transcript.words
        ]
    return TranscriptionVerboseJson(
        task=form.task,
        language="english" if form.task is Task.TRANSLATE else LANGUAGES.get(transcript.language or "", ""),
        duration=_seconds(transcript.num_samples),
        text=transcript.text,
        segments=segments,
        words=words,
        turns=[
            WireTurn(
                start=_seconds(turn.start),
                end=_seconds(turn.stop),
                speaker=speaker_label(turn.speaker, transcript.names),
            )
            for turn in transcript.turns
        ]
        or None,
        usage=duration_usage(transcript),
    )


def _segment(number: int, segment: Segment, names: Names) -> WireSegment:
    return WireSegment(
        id=number,
        seek=segment.window_start * FRAMES_PER_SECOND // SAMPLE_RATE,
        start=_seconds(segment.start),
        end=_seconds(segment.stop),
        text=segment.text,
        tokens=list(segment.tokens),
        temperature=segment.temperature,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
        speaker=_label(segment.speaker, names),
    )


def _diarized_json(transcript: Transcript, form: AnswerForm) -> TranscriptionDiarizedJson:
    return TranscriptionDiarizedJson(
        duration=_seconds(transcript.num_samples),
        text=transcript.text,
        segments=[
            diarized_segment(number, segment, speaker_label(speaker, transcript.names))
            for number, (segment, speaker) in enumerate(
                zip(transcript.segments, every_speaker(transcript.segments), strict=True), start=1
            )
        ],
        usage=usage_of(transcript, form),
    )


def diarized_segment(number: int, segment: Segment, speaker: str) -> WireDiarizedSegment:
    return WireDiarizedSegment(
        id=f"seg_{number:03}",
        start=_seconds(segment.start),
        end=_seconds(segment.stop),
        text=segment.text.strip(),
        speaker=speaker,
    )


def _lines(transcript: Transcript) -> Iterator[str]:
    """The text, one line; with speakers, a line for each stretch of one."""
    if not any(segment.speaker is not None for segment in transcript.segments):
        yield transcript.text
        return
    for speaker, stretch in groupby(transcript.segments, key=lambda segment: segment.speaker):
        yield _prefix(speaker, transcript.names) + "".join(segment.text for segment in stretch).strip()


def _srt(transcript: Transcript) -> str:
    blocks = (
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.stop, ',')}\n{_srt_safe(text)}\n"
        for number, (cue, text) in enumerate(_cues(transcript), start=1)
    )
    return "\n".join(blocks)


def _vtt(transcript: Transcript) -> str:
    blocks = (
        f"{_clock(cue.start, '.')} --> {_clock(cue.stop, '.')}\n{_vtt_safe(text)}\n"
        for cue, text in _cues(transcript)
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _cues(transcript: Transcript) -> list[tuple[Cue, str]]:
    """Cues with what they say, after who says it."""
    speakers = {segment.speaker for segment in transcript.segments}
    longest = max((len(_prefix(speaker, transcript.names)) for speaker in speakers), default=0)
    cues = make_cues(transcript.segments, min(longest, LONGEST_PREFIX))
    return [(cue, _prefix(cue.speaker, transcript.names) + "\n".join(cue.lines)) for cue in cues]


def _srt_safe(text: str) -> str:
    return text.replace("-->", "→")


def _vtt_safe(text: str) -> str:
    return html.escape(text, quote=False)


def _prefix(speaker: int | None, names: Names) -> str:
    if speaker is None:
        return ""
    label = speaker_label(speaker, names)
    return f"{label}: " if label in names else f"Speaker {label}: "


def _label(speaker: int | None, names: Names) -> str | None:
    return None if speaker is None else speaker_label(speaker, names)


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)


def _clock(samples: int, point: str) -> str:
    milliseconds = samples * 1000 // SAMPLE_RATE
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{milliseconds:03}"
