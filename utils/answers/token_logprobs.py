"""Tokens of byte-level BPE: their bytes, and how likely they were. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models import Segment, TokenLogprob
from utils.answers.wire import WireLogprob


def _byte_of_sign() -> dict[str, int]:
    """GPT-2 writes every byte as a printable sign: itself where it is one, else the next from U+0100 on
    (`bytes_to_unicode` of openai/gpt-2 `encoder.py`)."""
    ranges = (range(ord("!"), ord("~") + 1), range(ord("¡"), ord("¬") + 1), range(ord("®"), ord("ÿ") + 1))
    printable = [byte for part in ranges for byte in part]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTE_OF_SIGN = _byte_of_sign()


def token_bytes(token: str) -> bytes:
    """The bytes of a token as the vocabulary writes it: `Ġday` is ` day`."""
    return bytes(BYTE_OF_SIGN[sign] for sign in token)


def wire_logprobs(segments: Iterable[Segment]) -> Iterator[WireLogprob]:
    """The tokens of all segments, which are gone through twice; their bytes add up to the text without the
    spaces around it. A token that is part of a character shows as U+FFFD; its bytes are exact."""
    text = b"".join(token.data for token in _tokens(segments)).decode(errors="surrogateescape")
    first = len(text.encode(errors="surrogateescape")) - len(text.lstrip().encode(errors="surrogateescape"))
    last = len(text.rstrip().encode(errors="surrogateescape"))
    at = 0
    for token in _tokens(segments):
        data = token.data[max(0, first - at) : max(0, last - at)]
        at += len(token.data)
        if data:
            yield WireLogprob(
                token=data.decode(errors="replace"), bytes=list(data), logprob=round(token.logprob, 6)
            )


def _tokens(segments: Iterable[Segment]) -> Iterator[TokenLogprob]:
    return (token for segment in segments for token in segment.logprobs)
