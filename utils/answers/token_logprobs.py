"""Bytes and log-probabilities of byte-level BPE tokens. Pure."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from itertools import chain

from models import Segment, TokenLogprob
from utils.answers.wire import WireLogprob


def _bytes_by_character() -> dict[str, int]:
    """GPT-2 writes every byte as a printable character: itself if it is one, else the next from U+0100
    (`bytes_to_unicode` of openai/gpt-2 `encoder.py`)."""
    ranges = (range(ord("!"), ord("~") + 1), range(ord("¡"), ord("¬") + 1), range(ord("®"), ord("ÿ") + 1))
    printable = [byte for part in ranges for byte in part]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTES_BY_CHARACTER = _bytes_by_character()


def token_bytes(token: str) -> bytes:
    """The bytes of a token as spelled in the vocabulary: `Ġday` is ` day`."""
    return bytes(BYTES_BY_CHARACTER[character] for character in token)


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
