"""Requests that outlive their connection: what was accepted is never judged again by later settings."""

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
from utils.answers.wire import AnswerForm
from utils.transcript.codec import EXACT


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """What a job runs, and every form that its result can take, the one asked for first."""

    options: TranscriptionOptions
    known: KnownSpeakers
    answers: tuple[AnswerForm, ...]

    def answer_in(self, wanted: ResponseFormat | None) -> AnswerForm:
        """By default the form asked for. Raises InvalidRequestError for speakers where nobody diarized."""
        found = (form for form in self.answers if wanted in (None, form.format))
        if (form := next(found, None)) is None:
            raise InvalidRequestError(f"response_format={wanted} needs diarize=true.", param="diarize")
        return form


ADAPTER = TypeAdapter(tuple[AcceptedRequest], config=EXACT)  # a tuple of one, as in utils/transcript/codec.py


def accept(request: TranscriptionRequest) -> AcceptedRequest:
    """For a result in the format asked for."""
    return AcceptedRequest(request.options, request.known, (request.answer,))


def accept_for_any_format(fields: Sequence[tuple[str, str]], defaults: StageDefaults) -> AcceptedRequest:
    """For a result that may be asked for in any format in the end, and is made as for the richest."""
    form, task = parse_form(fields), Task.TRANSCRIBE
    asked = request_of(form, defaults, task)
    rich = pipeline_options(in_format(form, ResponseFormat.VERBOSE_JSON), defaults, task)
    options = replace(
        rich,
        decode=asked.options.decode,
        diarize=rich.diarize or asked.options.diarize,
        restore_punctuation=asked.options.restore_punctuation,
    )
    others = (answer for answer in _other_answers(form, defaults) if options.diarize or not answer.speakers)
    return AcceptedRequest(options, asked.known, (asked.answer, *others))


def encode_accepted(request: AcceptedRequest) -> str:
    """JSON that `decode_accepted` makes an equal value of."""
    return ADAPTER.dump_json((request,)).decode()


def decode_accepted(data: str) -> AcceptedRequest:
    """Raises ValueError for what is none."""
    return ADAPTER.validate_json(data, strict=True)[0]


def _other_answers(form: TranscriptionForm, defaults: StageDefaults) -> Iterator[AnswerForm]:
    for wanted in ResponseFormat:
        if wanted is not form.response_format:
            try:
                yield answer_form(in_format(form, wanted), defaults, Task.TRANSCRIBE)
            except InvalidRequestError:  # diarized_json, where the caller sent diarize=false
                continue
