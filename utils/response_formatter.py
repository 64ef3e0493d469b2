"""Transcript to body and media type. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from models import Transcript
from utils.answers.formats import FORMATS
from utils.answers.wire import AnswerForm

BLOCK = 64 * 1024  # characters that go out at once


def render(transcript: Transcript, form: AnswerForm) -> tuple[Iterator[bytes], str]:
    """The body in blocks, each made when it is asked for, and its media type."""
    spec = FORMATS[form.format]
    return _blocks(spec.render(transcript, form)), spec.media_type


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
