"""Requests that outlive their connection: once accepted, never validated again under later settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from exceptions import InvalidRequestError
from options import ResponseFormat, Task, TranscriptionOptions
from services.requests.answer_form import answer_form, in_format
from services.requests.form import TranscriptionForm, parse_form
from services.requests.parameters import TranscriptionRequest, pipeline_options, request_of
from services.requests.stage_defaults import StageDefaults
from services.voices.enrolment import KnownSpeakers
from utils.answers.formats import FORMATS, Speakers
from utils.answers.wire import AnswerForm
from utils.transcript.codec import EXACT


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """What a job runs, and every form its result can take, the requested one first."""

    options: TranscriptionOptions
    known: KnownSpeakers
    answers: tuple[AnswerForm, ...]

    def answer_in(self, wanted: ResponseFormat | None) -> AnswerForm:
        """By default the requested form. Raises InvalidRequestError for speakers without diarization."""
        if wanted is None:
            return self.answers[0]
        found = next((form for form in self.answers if form.format is wanted), None)
        return found or self._in_newer_format(wanted)

    def _in_newer_format(self, wanted: ResponseFormat) -> AnswerForm:
        """A format that the version which accepted the request did not have; it shows speakers as others do
        that show them on the same conditions."""
        has_speakers = self.options.diarize or self.options.separate_channels
        condition = FORMATS[wanted].speakers
        if condition is Speakers.ALWAYS and not has_speakers:
            raise InvalidRequestError(f"response_format={wanted} needs diarize=true.", param="diarize")
        alike = [form.speakers for form in self.answers if FORMATS[form.format].speakers is condition]
        shown = alike[0] if alike else has_speakers and condition is not Speakers.NEVER
        return replace(self.answers[0], format=wanted, speakers=shown)


ADAPTER = TypeAdapter(tuple[AcceptedRequest], config=EXACT)  # a tuple of one, as in utils/transcript/codec.py


def accept(request: TranscriptionRequest) -> AcceptedRequest:
    """For a result in the requested format."""
    return AcceptedRequest(request.options, request.known, (request.answer,))


def accept_for_any_format(fields: Sequence[tuple[str, str]], defaults: StageDefaults) -> AcceptedRequest:
    """For a result that can later be read in any format, so that it is computed for the richest one."""
    form, task = parse_form(fields), Task.TRANSCRIBE
    request = request_of(form, defaults, task)
    richest = in_format(form, ResponseFormat.VERBOSE_JSON)
    rich = pipeline_options(richest, replace(defaults, diarize=defaults.diarize is not False), task)
    options = replace(
        rich,
        decode=request.options.decode,
        diarize=rich.diarize or request.options.diarize,
        restore_punctuation=request.options.restore_punctuation,
    )
    others = (answer for answer in _other_answers(form, defaults) if options.diarize or not answer.speakers)
    return AcceptedRequest(options, request.known, (request.answer, *others))


def encode_accepted(request: AcceptedRequest) -> str:
    """JSON from which `decode_accepted` restores an equal value."""
    return ADAPTER.dump_json((request,)).decode()


def decode_accepted(data: str) -> AcceptedRequest:
    """Raises ValueError for anything else."""
    return ADAPTER.validate_json(data, strict=True)[0]


def _other_answers(form: TranscriptionForm, defaults: StageDefaults) -> Iterator[AnswerForm]:
    for wanted in ResponseFormat:
        if wanted is not form.response_format:
            try:
                yield answer_form(in_format(form, wanted), defaults, Task.TRANSCRIBE)
            except InvalidRequestError:  # diarized_json, where the caller sent diarize=false
                continue
