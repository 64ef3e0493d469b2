"""Log-probabilities of tokens as they are sent. Pure."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from itertools import chain

from models import Segment, TokenLogprob
from utils.answers.wire import WireLogprob


def wire_logprobs(segments: Iterable[Segment]) -> Iterator[WireLogprob]:
    """The tokens of all segments, which are iterated twice; their bytes add up to the text without the space
    around it. A token that is part of a character shows as U+FFFD; its bytes are exact."""
    first, last = _stripped(token.data for token in _tokens(segments))
    position = 0
    for token in _tokens(segments):
        data = token.data[max(0, first - position) : max(0, last - position)]
        position += len(token.data)
        if data:
            yield WireLogprob(
                token=data.decode(errors="replace"), bytes=list(data), logprob=round(token.logprob, 6)
            )


def _stripped(pieces: Iterable[bytes]) -> tuple[int, int]:
    """Where the text in `pieces` starts and ends without the space around it, in bytes."""
    decoder = getincrementaldecoder("utf-8")(errors="surrogateescape")  # pieces may cut characters
    first, last, position = None, 0, 0
    for piece, is_last in chain(((piece, False) for piece in pieces), [(b"", True)]):
        text = decoder.decode(piece, is_last)
        if text.strip():
            first = position + _size(text) - _size(text.lstrip()) if first is None else first
            last = position + _size(text.rstrip())
        position += _size(text)
    return first or 0, last


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))


def _tokens(segments: Iterable[Segment]) -> Iterator[TokenLogprob]:
    return (token for segment in segments for token in segment.logprobs)
