"""The form of the response to a request, and whether it shows speakers."""

from __future__ import annotations

from typing import TypeVar

from exceptions import InvalidRequestError
from options import Granularity, ResponseFormat, Task
from services.requests.form import Channels, TranscriptionForm
from services.requests.stage_defaults import StageDefaults
from utils.answers.formats import FORMATS, Speakers, formats_with
from utils.answers.wire import AnswerForm
from utils.model_names import hosted_name

C = TypeVar("C")


def answer_form(form: TranscriptionForm, defaults: StageDefaults, task: Task) -> AnswerForm:
    """Raises InvalidRequestError for what the format cannot show."""
    return AnswerForm(
        format=form.response_format,
        speakers=shows_speakers(form, defaults),
        granularities=_granularities(form),
        task=task,
        logprobs=wants_logprobs(form),
        counts_tokens=_is_gpt(form),
    )


def in_format(form: TranscriptionForm, wanted: ResponseFormat) -> TranscriptionForm:
    """The same request in another format, without what that format cannot show."""
    spec, changes = FORMATS[wanted], dict[str, object](response_format=wanted)
    if not spec.has_granularities:
        changes["timestamp_granularities"] = []
    if not spec.has_logprobs:
        changes["include"] = []
    if spec.speakers is Speakers.NEVER:
        changes |= {"known_speaker_names": [], "known_speaker_references": [], "known_speakers": None}
    return form.model_copy(update=changes)


def shows_speakers(form: TranscriptionForm, defaults: StageDefaults) -> bool:
    """Raises InvalidRequestError if parameters contradict each other."""
    asked = _wants_names(form) or form.channels is Channels.SEPARATE
    counted = bool(form.num_speakers or form.min_speakers or form.max_speakers)
    match FORMATS[form.response_format].speakers:
        case Speakers.ALWAYS:
            if form.diarize is False:
                raise InvalidRequestError(
                    f"response_format={form.response_format} needs diarize=true.", param="diarize"
                )
            return True
        case Speakers.BY_DEFAULT if defaults.diarize == "on_request":
            return chosen(form.diarize, asked or counted or _is_diarize_model(form))
        case Speakers.BY_DEFAULT:
            return chosen(form.diarize, asked or defaults.diarize is True)
        case Speakers.ON_REQUEST:
            return chosen(form.diarize, asked or counted)
        case Speakers.NEVER:
            return False


def wants_logprobs(form: TranscriptionForm) -> bool:
    if form.include and not FORMATS[form.response_format].has_logprobs:
        wanted = formats_with(lambda spec: spec.has_logprobs)
        raise InvalidRequestError(f"'include' needs response_format={wanted}.", param="include")
    return bool(form.include)


def chosen(value: C | None, default: C) -> C:
    return default if value is None else value


def _is_diarize_model(form: TranscriptionForm) -> bool:
    return "diarize" in (hosted_name(form.model) or "")


def _is_gpt(form: TranscriptionForm) -> bool:
    return (hosted_name(form.model) or "").startswith("gpt-")


def _granularities(form: TranscriptionForm) -> frozenset[Granularity]:
    """With the gpt models they are ignored by formats that cannot show them, as hosted: the AI SDK sends them
    with json. Raises InvalidRequestError with the others."""
    default = frozenset([Granularity.SEGMENT])
    if FORMATS[form.response_format].has_granularities:
        return frozenset(form.timestamp_granularities) or default
    if form.timestamp_granularities and not _is_gpt(form):
        wanted = formats_with(lambda spec: spec.has_granularities)
        raise InvalidRequestError(
            f"'timestamp_granularities' needs response_format={wanted}.", param="timestamp_granularities"
        )
    return default


def _wants_names(form: TranscriptionForm) -> bool:
    """Whether known speakers are to be named. Raises InvalidRequestError if names cannot be shown."""
    param = "known_speakers" if form.known_speakers else "known_speaker_names"
    wanted = bool(form.known_speakers or form.known_speaker_names)
    if wanted and (form.diarize is False or FORMATS[form.response_format].speakers is Speakers.NEVER):
        shown = formats_with(lambda spec: spec.speakers is not Speakers.NEVER)
        raise InvalidRequestError(
            f"'{param}' needs an answer that shows speakers: response_format={shown}, and not diarize=false.",
            param=param,
        )
    if wanted and form.channels is Channels.SEPARATE:
        raise InvalidRequestError(
            f"With channels=separate the channels are the speakers; leave '{param}' out.", param=param
        )
    return wanted
