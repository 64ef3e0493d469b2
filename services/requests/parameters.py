"""Form fields to pipeline options: the one place that knows the OpenAI parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from exceptions import InvalidRequestError
from models import SAMPLE_RATE
from options import DecodeOptions, SpeakerCount, Task, TranscriptionOptions, VoiceActivity
from services.requests.answer_form import answer_form, chosen, shows_speakers, wants_logprobs
from services.requests.form import Channels, ChunkingStrategy, TranscriptionForm, parse_form
from services.requests.speaker_names import speaker_references
from services.requests.stage_defaults import StageDefaults
from services.voices.enrolment import NO_KNOWN_SPEAKERS, KnownSpeakers
from utils.answers.formats import FORMATS, formats_with
from utils.answers.wire import AnswerForm
from utils.catalogue import Catalogue
from utils.model_names import hosted_name
from utils.words.languages import UNDERSTOOD, language_code, means_any


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    model: str
    answer: AnswerForm
    options: TranscriptionOptions
    known: KnownSpeakers = NO_KNOWN_SPEAKERS
    background: bool = False
    stream: bool = False


def parse_parameters(
    fields: Sequence[tuple[str, str]], defaults: StageDefaults, task: Task = Task.TRANSCRIBE
) -> TranscriptionRequest:
    """Raises InvalidRequestError, which names the parameter, for whatever cannot be honoured."""
    return request_of(parse_form(fields), defaults, task)


def request_of(form: TranscriptionForm, defaults: StageDefaults, task: Task) -> TranscriptionRequest:
    """Raises InvalidRequestError."""
    if task is Task.TRANSLATE:
        _refuse_untranslatable(form)
    return TranscriptionRequest(
        form.model,
        answer_form(form, defaults, task),
        pipeline_options(form, defaults, task),
        KnownSpeakers(
            speaker_references(form.known_speaker_names, form.known_speaker_references),
            enrolled=form.known_speakers == "auto",
        ),
        form.background,
        _streams(form, task),
    )


def pipeline_options(form: TranscriptionForm, defaults: StageDefaults, task: Task) -> TranscriptionOptions:
    """Raises InvalidRequestError."""
    if task is Task.TRANSLATE:
        defaults = replace(defaults, align=False)
    speakers = _speaker_count(form)
    diarize = shows_speakers(form, defaults)
    is_timed = FORMATS[form.response_format].is_timed or diarize
    align = form.align if form.align is not None else defaults.align and is_timed
    if form.include and form.restore_punctuation:
        raise InvalidRequestError(
            "Restored punctuation has no log-probability; send include or restore_punctuation, not both.",
            param="include",
        )
    return TranscriptionOptions(
        decode=_decode_options(form, task),
        voice_activity=_voice_activity(form.chunking_strategy),
        diarize=diarize,
        speakers=speakers,
        separate_channels=form.channels is Channels.SEPARATE,
        separate_vocals=chosen(form.separate_vocals, defaults.separate_vocals),
        align=align,
        restore_punctuation=chosen(
            form.restore_punctuation, defaults.restore_punctuation and not form.include
        ),
        audio_track=form.audio_track,
    )


def with_model(options: TranscriptionOptions, catalogue: Catalogue) -> TranscriptionOptions:
    """The options with the model's id in the catalogue. Raises ModelNotFoundError."""
    if not options.decode.model:
        return options
    decode = replace(options.decode, model=catalogue.require(options.decode.model))
    return replace(options, decode=decode)


def _streams(form: TranscriptionForm, task: Task) -> bool:
    """Whether to answer with events. The hosted whisper-1 ignores `stream`, and so does ours where no events
    can show the answer: some clients send it with every request. Raises InvalidRequestError."""
    can_stream = FORMATS[form.response_format].can_stream and task is Task.TRANSCRIBE
    if not form.stream or (hosted_name(form.model) == "whisper-1" and not can_stream and not form.background):
        return False
    if task is Task.TRANSLATE or form.background:
        kind = "Translations" if task is Task.TRANSLATE else "Background transcriptions"
        raise InvalidRequestError(f"{kind} cannot be streamed; leave 'stream' out.", param="stream")
    if not FORMATS[form.response_format].can_stream:
        raise InvalidRequestError(
            f"The events of stream=true cannot show {form.response_format}; ask for "
            f"{formats_with(lambda spec: spec.can_stream)}, or leave 'stream' out.",
            param="stream",
        )
    return True


def _refuse_untranslatable(form: TranscriptionForm) -> None:
    if not FORMATS[form.response_format].can_translate:
        raise InvalidRequestError(
            f"Translations do not support {form.response_format}; send verbose_json and diarize=true.",
            param="response_format",
        )
    if form.background:
        raise InvalidRequestError(
            "Translations do not run in the background yet; leave 'background' out.", param="background"
        )
    if form.align:
        raise InvalidRequestError(
            "Word times of a translation cannot be aligned; leave 'align' out.", param="align"
        )


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
    languages = language_codes([form.language] if form.language else [], "language")
    return DecodeOptions(
        language=languages[0] if languages else None,
        languages=language_codes(form.languages, "languages"),
        prompt=form.prompt,
        keywords=tuple(form.keywords),
        temperature=form.temperature,
        task=task,
        logprobs=wants_logprobs(form),
        model="" if hosted_name(form.model) else form.model,
    )


def language_codes(given: Collection[str], param: str) -> tuple[str, ...]:
    """Their codes; none if one of them means any language. Raises InvalidRequestError."""
    codes: dict[str, None] = {}  # unique and in order
    for value in given:
        if means_any(value):
            return ()
        if (code := language_code(value)) is None:
            raise InvalidRequestError(
                f"Whisper does not know the language '{value}'; send {UNDERSTOOD}.", param=param
            )
        codes[code] = None
    return tuple(codes)
