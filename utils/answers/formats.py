"""The response formats, one row each, with all their properties except the name in `ResponseFormat`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from models import Transcript
from options import ResponseFormat
from utils.answers.json_blocks import MEDIA_TYPE as JSON
from utils.answers.json_body import diarized_json_body, json_body, verbose_json_body
from utils.answers.text_body import srt_body, text_body, vtt_body
from utils.answers.wire import AnswerForm


class Speakers(Enum):
    """When a response shows speakers."""

    NEVER = auto()
    ON_REQUEST = auto()
    BY_DEFAULT = auto()
    """If the server diarizes by default and the caller does not say otherwise."""
    ALWAYS = auto()


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """`render` yields the body in pieces; `is_timed` formats need word timestamps."""

    media_type: str
    render: Callable[[Transcript, AnswerForm], Iterator[str]]
    speakers: Speakers
    is_timed: bool = True
    can_stream: bool = False
    has_granularities: bool = False
    has_logprobs: bool = False
    can_translate: bool = True


FORMATS = {
    ResponseFormat.JSON: FormatSpec(
        JSON, json_body, Speakers.NEVER, is_timed=False, can_stream=True, has_logprobs=True
    ),
    ResponseFormat.TEXT: FormatSpec(
        "text/plain; charset=utf-8", text_body, Speakers.ON_REQUEST, is_timed=False, can_stream=True
    ),
    ResponseFormat.SRT: FormatSpec("application/x-subrip; charset=utf-8", srt_body, Speakers.ON_REQUEST),
    ResponseFormat.VTT: FormatSpec("text/vtt; charset=utf-8", vtt_body, Speakers.ON_REQUEST),
    ResponseFormat.VERBOSE_JSON: FormatSpec(
        JSON, verbose_json_body, Speakers.BY_DEFAULT, has_granularities=True
    ),
    ResponseFormat.DIARIZED_JSON: FormatSpec(
        JSON, diarized_json_body, Speakers.ALWAYS, can_stream=True, can_translate=False
    ),
}


def formats_with(fits: Callable[[FormatSpec], bool]) -> str:
    """The names of the formats that fit, as an error message lists them: `json, text or srt`."""
    return join_with_or(name for name, spec in FORMATS.items() if fits(spec))


def join_with_or(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
