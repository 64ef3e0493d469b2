"""Renders a transcript as a response body. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from models import Transcript
from utils.answers.formats import FORMATS
from utils.answers.wire import AnswerForm

BLOCK = 64 * 1024  # characters sent at once


def render(transcript: Transcript, form: AnswerForm) -> tuple[Iterator[bytes], str]:
    """The body in blocks, generated lazily, and its media type."""
    spec = FORMATS[form.format]
    return _blocks(spec.render(transcript, form)), spec.media_type


def _blocks(pieces: Iterator[str]) -> Iterator[bytes]:
    pending: list[str] = []
    size = 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield "".join(pending).encode()
            pending, size = [], 0
    if pending:
        yield "".join(pending).encode()
