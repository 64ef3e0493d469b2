"""Renders a transcript as a response body. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models import Transcript
from utils.answers.formats import FORMATS
from utils.answers.wire import AnswerForm

BLOCK = 64 * 1024  # bytes sent at once


def render(transcript: Transcript, form: AnswerForm) -> tuple[Iterator[bytes], str]:
    """The body in blocks, generated lazily, and its media type."""
    spec = FORMATS[form.format]
    return in_blocks(spec.render(transcript, form)), spec.media_type


def in_blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    """Blocks of at least BLOCK bytes, except the last, which end where a piece ends."""
    pending: list[bytes] = []
    size = 0
    for piece in pieces:
        pending.append(piece.encode())
        size += len(pending[-1])
        if size >= BLOCK:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)
