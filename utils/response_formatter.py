"""Transcript to body and media type. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from pydantic import BaseModel

from models import SAMPLE_RATE, Segment, SpeakerTurn, Transcript, Word
from options import Granularity, ResponseFormat, Task
from utils.answers.subtitles import MAX_LINE, Cue, make_cues
from utils.answers.token_logprobs import wire_logprobs
from utils.answers.usage import duration_usage, usage_of
from utils.answers.wire import (
    AnswerForm,
    WireDiarizedSegment,
    WireLanguage,
    WireSegment,
    WireTurn,
    WireWord,
)
from utils.speakers.labels import every_speaker, speaker_label
from utils.words.languages import LANGUAGES

Names = Sequence[str | None]
Field: TypeAlias = str | float | BaseModel | Iterable[BaseModel]
Fields: TypeAlias = Mapping[str, Field | None]

BLOCK = 64 * 1024  # characters that go out at once
FRAMES_PER_SECOND = 100  # the unit of Whisper's `seek`
LONGEST_PREFIX = MAX_LINE // 2  # kept free in a line of a subtitle; a longer name makes a longer line

MEDIA_TYPES = {
    ResponseFormat.TEXT: "text/plain; charset=utf-8",
    ResponseFormat.SRT: "application/x-subrip; charset=utf-8",
    ResponseFormat.VTT: "text/vtt; charset=utf-8",
}


def render(transcript: Transcript, form: AnswerForm) -> tuple[Iterator[bytes], str]:
    """The body in blocks, each made when it is asked for, and its media type."""
    match form.format:
        case ResponseFormat.JSON:
            body = _dump(_json(transcript, form))
        case ResponseFormat.TEXT:
            body = (f"{line}\n" for line in _lines(transcript))
        case ResponseFormat.SRT:
            body = _srt(transcript)
        case ResponseFormat.VTT:
            body = _vtt(transcript)
        case ResponseFormat.VERBOSE_JSON:
            body = _dump(_verbose_json(transcript, form))
        case ResponseFormat.DIARIZED_JSON:
            body = _dump(_diarized_json(transcript, form))
    return _blocks(body), MEDIA_TYPES.get(form.format, "application/json")


def _blocks(pieces: Iterator[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield "".join(held).encode()
            held, size = [], 0
    if held:
        yield "".join(held).encode()


def _dump(fields: Fields) -> Iterator[str]:
    """JSON, item by item: a day of words would fill the memory, and in one call hold the interpreter."""
    before = "{"
    for name, value in fields.items():
        if value is None:
            continue
        yield f"{before}{json.dumps(name)}:"
        yield from _dump_value(value)
        before = ","
    yield "}"


def _dump_value(value: Field) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield value.model_dump_json(exclude_none=True)
    elif isinstance(value, str | float):
        yield json.dumps(value, ensure_ascii=False)
    else:
        yield "["
        for number, item in enumerate(value):
            yield ("," if number else "") + item.model_dump_json(exclude_none=True)
        yield "]"


def languages(transcript: Transcript) -> list[WireLanguage]:
    """Empty where nobody speaks, as the client's types have it."""
    return [WireLanguage(code=transcript.language)] if transcript.language else []


def _json(transcript: Transcript, form: AnswerForm) -> Fields:
    """Those of TranscriptionJson."""
    return {
        "text": transcript.text,
        "languages": languages(transcript),
        "logprobs": wire_logprobs(transcript.segments) if form.logprobs else None,
        "usage": usage_of(transcript, form),
    }


def _verbose_json(transcript: Transcript, form: AnswerForm) -> Fields:
    """Those of TranscriptionVerboseJson."""
    segments = (_segment(n, segment, transcript.names) for n, segment in enumerate(transcript.segments))
    words = (_word(word, transcript.names) for word in transcript.words)
    turns = (_turn(turn, transcript.names) for turn in transcript.turns)
    return {
        "task": form.task,
        "language": "english"
        if form.task is Task.TRANSLATE
        else LANGUAGES.get(transcript.language or "", ""),
        "duration": _seconds(transcript.num_samples),
        "text": transcript.text,
        "segments": segments if Granularity.SEGMENT in form.granularities else None,
        "words": words if Granularity.WORD in form.granularities else None,
        "turns": turns if transcript.turns else None,
        "usage": duration_usage(transcript),
    }


def _word(word: Word, names: Names) -> WireWord:
    return WireWord(
        word=word.text.strip(),
        start=_seconds(word.start),
        end=_seconds(word.stop),
        probability=word.probability,
        speaker=_label(word.speaker, names),
    )


def _turn(turn: SpeakerTurn, names: Names) -> WireTurn:
    return WireTurn(
        start=_seconds(turn.start), end=_seconds(turn.stop), speaker=speaker_label(turn.speaker, names)
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


def _diarized_json(transcript: Transcript, form: AnswerForm) -> Fields:
    """Those of TranscriptionDiarizedJson."""
    spoken = zip(transcript.segments, every_speaker(transcript.segments), strict=True)
    return {
        "task": Task.TRANSCRIBE,
        "duration": _seconds(transcript.num_samples),
        "text": transcript.text,
        "segments": (
            diarized_segment(number, segment, speaker_label(speaker, transcript.names))
            for number, (segment, speaker) in enumerate(spoken, start=1)
        ),
        "usage": usage_of(transcript, form),
    }


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


def _srt(transcript: Transcript) -> Iterator[str]:
    for number, (cue, text) in enumerate(_cues(transcript), start=1):
        before = "\n" if number > 1 else ""
        yield f"{before}{number}\n{_clock(cue.start, ',')} --> {_clock(cue.stop, ',')}\n{_srt_safe(text)}\n"


def _vtt(transcript: Transcript) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue, text in _cues(transcript):
        yield f"\n{_clock(cue.start, '.')} --> {_clock(cue.stop, '.')}\n{_vtt_safe(text)}\n"


def _cues(transcript: Transcript) -> Iterator[tuple[Cue, str]]:
    """Cues with what they say, after who says it."""
    speakers = {segment.speaker for segment in transcript.segments}
    longest = max((len(_prefix(speaker, transcript.names)) for speaker in speakers), default=0)
    cues = make_cues(transcript.segments, min(longest, LONGEST_PREFIX))
    return ((cue, _prefix(cue.speaker, transcript.names) + "\n".join(cue.lines)) for cue in cues)


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
