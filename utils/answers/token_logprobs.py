"""Bytes and log-probabilities of byte-level BPE tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    text = b"".join(token.data for token in _tokens(segments)).decode(errors="surrogateescape")
    first = len(text.encode(errors="surrogateescape")) - len(text.lstrip().encode(errors="surrogateescape"))
    last = len(text.rstrip().encode(errors="surrogateescape"))
    position = 0
    for token in _tokens(segments):
        data = token.data[max(0, first - position) : max(0, last - position)]
        position += len(token.data)
        if data:
            yield WireLogprob(
                token=data.decode(errors="replace"), bytes=list(data), logprob=round(token.logprob, 6)
            )


def _tokens(segments: Iterable[Segment]) -> Iterator[TokenLogprob]:
    return (token for segment in segments for token in segment.logprobs)
