"""Lossless JSON lines of transcripts of any length, the form in which they are stored.

One line without segments and turns, lines of many segments each, a separator, lines of many turns each, and a
last line. Earlier versions had the turns in the first line, and no separator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from models import Segment, SpeakerTurn, Transcript
from utils.transcript.codec import (
    decode,
    decode_segments,
    decode_turns,
    encode,
    encode_segments,
    encode_turns,
)
from utils.transcript.segment_log import collect_segments, in_pages

TURNS = 1000  # in a line
SEPARATOR = b"[]\n"
END = b"null\n"  # a transcript without it is truncated


def write_transcript(transcript: Transcript) -> Iterator[bytes]:
    """The lines, each of which is encoded in a few milliseconds."""
    yield encode(replace(transcript, segments=(), turns=())) + b"\n"
    for page in in_pages(transcript.segments):
        yield encode_segments(page)
    yield SEPARATOR
    for start in range(0, len(transcript.turns), TURNS):
        yield encode_turns(transcript.turns[start : start + TURNS])
    yield END


def read_transcript(lines: Iterable[bytes], folder: Path) -> Transcript:
    """What was written; a long one is stored in `folder`. Raises ValueError if it is invalid or truncated."""
    rest = iter(lines)
    transcript = decode(Transcript, next(rest, b""))
    body = _until_end(rest)
    segments = collect_segments(_segments(body), folder)
    return replace(transcript, segments=segments, turns=transcript.turns + tuple(_turns(body)))


def _until_end(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line == END:
            return
        yield line
    raise ValueError("the end of the transcript is missing")


def _segments(lines: Iterator[bytes]) -> Iterator[Segment]:
    for line in lines:
        if line == SEPARATOR:
            return
        yield from decode_segments(line)


def _turns(lines: Iterator[bytes]) -> Iterator[SpeakerTurn]:
    for line in lines:
        yield from decode_turns(line)
