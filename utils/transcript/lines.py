"""Transcripts to lines of JSON and back, exactly, whatever their length: what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from models import Segment, Transcript
from utils.transcript.codec import decode, decode_segments, encode, encode_segments
from utils.transcript.segment_log import in_pages, keep

END = b"null\n"  # what lacks it was cut short


def write_transcript(transcript: Transcript) -> Iterator[bytes]:
    """A line of all but the segments, then lines of so many segments each."""
    yield encode(replace(transcript, segments=())) + b"\n"
    for page in in_pages(transcript.segments):
        yield encode_segments(page)
    yield END


def read_transcript(lines: Iterable[bytes], folder: Path) -> Transcript:
    """What was written; a long one lies in `folder`. Raises ValueError for what is not all of one."""
    rest = iter(lines)
    transcript = decode(Transcript, next(rest, b""))
    return replace(transcript, segments=keep(_segments(rest), folder))


def _segments(lines: Iterable[bytes]) -> Iterator[Segment]:
    for line in lines:
        if line == END:
            return
        yield from decode_segments(line)
    raise ValueError("the end of the transcript is missing")
