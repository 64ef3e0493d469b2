"""Form fields to what the pipeline is asked: the one place that knows the OpenAI parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from exceptions import InvalidRequestError
from models import SAMPLE_RATE
from options import (
    Choice,
    DecodeOptions,
    Granularity,
    ResponseFormat,
    SpeakerCount,
    Task,
    TranscriptionOptions,
    VoiceActivity,
)
from services.requests.form import Channels, ChunkingStrategy, TranscriptionForm, parse_form
from services.requests.speaker_names import speaker_references
from services.voices.enrolment import NOBODY, KnownSpeakers
from utils.answers.wire import AnswerForm
from utils.catalogue import is_hosted
from utils.words.languages import language_code

C = TypeVar("C")

SPEAKER_FORMATS = frozenset({ResponseFormat.VERBOSE_JSON, ResponseFormat.DIARIZED_JSON})
PREFIX_FORMATS = frozenset({ResponseFormat.TEXT, ResponseFormat.SRT, ResponseFormat.VTT})
STREAMED_FORMATS = frozenset({ResponseFormat.JSON, ResponseFormat.TEXT, ResponseFormat.DIARIZED_JSON})
TIMED_FORMATS = SPEAKER_FORMATS | {ResponseFormat.SRT, ResponseFormat.VTT}


@dataclass(frozen=True, slots=True)
class StageDefaults:
    """Which stages run where a request does not say."""

    diarize: bool = True
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    model: str
    answer: AnswerForm
    options: TranscriptionOptions
    known: KnownSpeakers = NOBODY
    background: bool = False
    stream: bool = False


def parse_parameters(
    fields: Sequence[tuple[str, str]], defaults: StageDefaults, task: Task = Task.TRANSCRIBE
) -> TranscriptionRequest:
    """Raises InvalidRequestError, which names the parameter, for whatever cannot be honoured."""
    form = parse_form(fields)
    _refuse_unstreamable(form, task)
    if task is Task.TRANSLATE:
        _refuse_untranslatable(form)
        defaults = replace(defaults, align=False)
    return TranscriptionRequest(
        form.model,
        _answer_form(form, task),
        _options(form, defaults, task),
        KnownSpeakers(
            speaker_references(form.known_speaker_names, form.known_speaker_references),
            enrolled=form.known_speakers == "auto",
        ),
        form.background,
        form.stream,
    )


def _refuse_unstreamable(form: TranscriptionForm, task: Task) -> None:
    if not form.stream:
        return
    if task is Task.TRANSLATE or form.background:
        kind = "Translations" if task is Task.TRANSLATE else "Background transcriptions"
        raise InvalidRequestError(f"{kind} cannot be streamed; leave 'stream' out.", param="stream")
    if form.response_format not in STREAMED_FORMATS:
        raise InvalidRequestError(
            f"The events of stream=true cannot show {form.response_format}; ask for json, text or "
            "diarized_json, or leave 'stream' out.",
            param="stream",
        )


def _refuse_untranslatable(form: TranscriptionForm) -> None:
    if form.response_format is ResponseFormat.DIARIZED_JSON:
        raise InvalidRequestError(
            "Translations have no diarized_json; verbose_json tells speakers too.", param="response_format"
        )
    if form.background:
        raise InvalidRequestError(
            "Translations do not run in the background yet; leave 'background' out.", param="background"
        )
    if form.align:
        raise InvalidRequestError(
            "Only what is said can be aligned, not its translation; leave 'align' out.", param="align"
        )


def _answer_form(form: TranscriptionForm, task: Task) -> AnswerForm:
    return AnswerForm(
        format=form.response_format,
        granularities=_granularities(form),
        task=task,
        logprobs=_logprobs(form),
        counts_tokens=form.model.startswith("gpt-"),
    )


def _granularities(form: TranscriptionForm) -> frozenset[Granularity]:
    if form.timestamp_granularities and form.response_format is not ResponseFormat.VERBOSE_JSON:
        raise InvalidRequestError(
            "'timestamp_granularities' needs response_format=verbose_json.", param="timestamp_granularities"
        )
    return frozenset(form.timestamp_granularities or [Granularity.SEGMENT])


def _options(form: TranscriptionForm, defaults: StageDefaults, task: Task) -> TranscriptionOptions:
    speakers = _speaker_count(form)
    diarize = _diarize(form, defaults)
    is_timed = form.response_format in TIMED_FORMATS or diarize
    align = form.align if form.align is not None else defaults.align and is_timed
    if form.include and form.restore_punctuation:
        raise InvalidRequestError(
            "Marks that are restored have no log-probability; send include or restore_punctuation.",
            param="include",
        )
    return TranscriptionOptions(
        decode=_decode_options(form, task),
        voice_activity=_voice_activity(form.chunking_strategy),
        words=is_timed or align,
        diarize=diarize,
        speakers=speakers,
        separate_channels=form.channels is Channels.SEPARATE,
        separate_vocals=_chosen(form.separate_vocals, defaults.separate_vocals),
        align=align,
        restore_punctuation=_chosen(
            form.restore_punctuation, defaults.restore_punctuation and not form.include
        ),
    )


def _chosen(asked: C | None, default: C) -> C:
    return default if asked is None else asked


def _diarize(form: TranscriptionForm, defaults: StageDefaults) -> bool:
    """Speakers are told apart only where the answer can show them."""
    names = _wants_names(form)
    if form.response_format is ResponseFormat.DIARIZED_JSON:
        if form.diarize is False:
            raise InvalidRequestError("response_format=diarized_json needs diarize=true.", param="diarize")
        return True
    is_separate = form.channels is Channels.SEPARATE
    if form.response_format in SPEAKER_FORMATS:
        return _chosen(form.diarize, defaults.diarize or names or is_separate)
    counted = form.num_speakers or form.min_speakers or form.max_speakers
    return form.response_format in PREFIX_FORMATS and _chosen(
        form.diarize, bool(counted) or names or is_separate
    )


def _wants_names(form: TranscriptionForm) -> bool:
    """Whether known speakers are to be named. Raises InvalidRequestError where names have no place."""
    param = "known_speakers" if form.known_speakers else "known_speaker_names"
    wanted = bool(form.known_speakers or form.known_speaker_names)
    if wanted and (form.diarize is False or form.response_format is ResponseFormat.JSON):
        raise InvalidRequestError(
            f"'{param}' needs an answer that shows speakers: response_format=diarized_json, verbose_json, "
            "text, srt or vtt, and not diarize=false.",
            param=param,
        )
    if wanted and form.channels is Channels.SEPARATE:
        raise InvalidRequestError(
            f"With channels=separate the channels are the speakers; leave '{param}' out.", param=param
        )
    return wanted


def _speaker_count(form: TranscriptionForm) -> SpeakerCount:
    exact = form.num_speakers
    if exact is not None and (form.min_speakers or form.max_speakers):
        raise InvalidRequestError(
            "Send num_speakers, or min_speakers and max_speakers.", param="num_speakers"
        )
    if exact is not None:
        return SpeakerCount(exact, exact)
    minimum = form.min_speakers or 1
    if form.max_speakers is not None and form.max_speakers < minimum:
        raise InvalidRequestError("'max_speakers' is below 'min_speakers'.", param="max_speakers")
    return SpeakerCount(minimum, form.max_speakers)


def _voice_activity(strategy: ChunkingStrategy) -> VoiceActivity:
    return VoiceActivity(
        strategy.threshold, _samples(strategy.prefix_padding_ms), _samples(strategy.silence_duration_ms)
    )


def _samples(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds * SAMPLE_RATE // 1000


def _decode_options(form: TranscriptionForm, task: Task) -> DecodeOptions:
    return DecodeOptions(
        language=_languages([form.language], "language")[0] if form.language else None,
        languages=tuple(_languages(form.languages, "languages")),
        prompt=form.prompt,
        keywords=tuple(form.keywords),
        temperature=form.temperature,
        task=task,
        logprobs=_logprobs(form),
        model="" if is_hosted(form.model) else form.model,
    )


def _logprobs(form: TranscriptionForm) -> bool:
    if form.include and form.response_format is not ResponseFormat.JSON:
        raise InvalidRequestError("'include' needs response_format=json.", param="include")
    return bool(form.include)


def _languages(given: Collection[str], param: str) -> list[str]:
    codes = []
    for value in given:
        code = language_code(value)
        if code is None:
            raise InvalidRequestError(
                f"'{value}' is no language that Whisper knows; send an ISO 639-1 code such as 'en'.",
                param=param,
            )
        codes.append(code)
    return codes
