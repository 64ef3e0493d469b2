"""Lossless JSON lines of transcripts of any length, the form in which they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from models import Segment, Transcript
from utils.transcript.codec import decode, decode_segments, encode, encode_segments
from utils.transcript.segment_log import collect_segments, in_pages

END = b"null\n"  # a transcript without it is truncated


def write_transcript(transcript: Transcript) -> Iterator[bytes]:
    """One line without the segments, then lines of many segments each."""
    yield encode(replace(transcript, segments=())) + b"\n"
    for page in in_pages(transcript.segments):
        yield encode_segments(page)
    yield END


def read_transcript(lines: Iterable[bytes], folder: Path) -> Transcript:
    """What was written; a long one is stored in `folder`. Raises ValueError if it is invalid or truncated."""
    rest = iter(lines)
    transcript = decode(Transcript, next(rest, b""))
    return replace(transcript, segments=collect_segments(_segments(rest), folder))


def _segments(lines: Iterable[bytes]) -> Iterator[Segment]:
    for line in lines:
        if line == END:
            return
        yield from decode_segments(line)
    raise ValueError("the end of the transcript is missing")
