"""Renders the json, verbose_json and diarized_json formats, lazily by member. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import SAMPLE_RATE, Segment, SpeakerTurn, Transcript, Word
from options import Granularity, Task
from utils.answers.json_pieces import LongText, render_object
from utils.answers.text_pieces import text_of
from utils.answers.token_logprobs import wire_logprobs
from utils.answers.usage import duration_usage, usage_of
from utils.answers.wire import (
    AnswerForm,
    WireDiarizedSegment,
    WireLanguage,
    WireSegment,
    WireSpokenLanguage,
    WireTurn,
    WireWord,
)
from utils.speakers.labels import speaker_label, with_every_speaker
from utils.words.languages import LANGUAGES

Names = Sequence[str | None]

FRAMES_PER_SECOND = 100  # the unit of Whisper's `seek`


def json_body(transcript: Transcript, form: AnswerForm) -> Iterator[str]:
    """A serialised TranscriptionJson."""
    return render_object(
        {
            "text": LongText(text_of(transcript.segments)),
            "languages": languages(transcript),
            "logprobs": wire_logprobs(transcript.segments) if form.logprobs else None,
            "usage": usage_of(transcript, form),
        }
    )


def verbose_json_body(transcript: Transcript, form: AnswerForm) -> Iterator[str]:
    """A serialised TranscriptionVerboseJson."""
    spoken = spoken_languages(transcript)
    segments = (
        _segment(n, segment, transcript.names, tells_language=spoken is not None)
        for n, segment in enumerate(transcript.segments)
    )
    words = (wire_word(word, transcript.names) for word in transcript.words)
    turns = (_turn(turn, transcript.names) for turn in transcript.turns)
    return render_object(
        {
            "task": form.task,
            "language": "english" if form.task is Task.TRANSLATE else _name(transcript.language),
            "duration": _seconds(transcript.num_samples),
            "text": LongText(text_of(transcript.segments)),
            "languages": spoken,
            "segments": segments if Granularity.SEGMENT in form.granularities else None,
            "words": words if Granularity.WORD in form.granularities else None,
            "turns": turns if transcript.turns else None,
            "usage": duration_usage(transcript),
        }
    )


def diarized_json_body(transcript: Transcript, form: AnswerForm) -> Iterator[str]:
    """A serialised TranscriptionDiarizedJson."""
    spoken = with_every_speaker(transcript.segments)
    return render_object(
        {
            "task": Task.TRANSCRIBE,
            "duration": _seconds(transcript.num_samples),
            "text": LongText(text_of(transcript.segments)),
            "languages": spoken_languages(transcript),
            "segments": (
                diarized_segment(number, segment, speaker_label(speaker, transcript.names))
                for number, (segment, speaker) in enumerate(spoken, start=1)
            ),
            "usage": usage_of(transcript, form),
        }
    )


def languages(transcript: Transcript) -> list[WireLanguage]:
    """The main one first; empty if nobody speaks, as in the client's types."""
    codes = [transcript.language, *(spoken.code for spoken in transcript.languages)]
    return [WireLanguage(code=code) for code in dict.fromkeys(codes) if code]


def spoken_languages(transcript: Transcript) -> list[WireSpokenLanguage] | None:
    """An extension: how long each is spoken, where there are several."""
    if len(transcript.languages) < 2:
        return None
    return [
        WireSpokenLanguage(language=_name(spoken.code), seconds=_seconds(spoken.num_samples))
        for spoken in transcript.languages
    ]


def diarized_segment(number: int, segment: Segment, speaker: str) -> WireDiarizedSegment:
    return WireDiarizedSegment(
        id=f"seg_{number:03}",
        start=_seconds(segment.start),
        end=_seconds(segment.stop),
        text=segment.text.strip(),
        speaker=speaker,
    )


def wire_word(word: Word, names: Names) -> WireWord:
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


def _segment(number: int, segment: Segment, names: Names, tells_language: bool) -> WireSegment:
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
        language=_name(segment.language) if tells_language else None,
    )


def _name(code: str | None) -> str:
    """As Whisper calls it."""
    return LANGUAGES.get(code or "", "")


def _label(speaker: int | None, names: Names) -> str | None:
    return None if speaker is None else speaker_label(speaker, names)


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)
