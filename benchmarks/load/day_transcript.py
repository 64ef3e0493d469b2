# ruff: noqa: ARG002 (a runner with ready results ignores its arguments)
"""A synthetic transcript of 24 hours, two people in turn: 21,600 segments, 216,000 words."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Iterator
from contextlib import aclosing

from models import (
    SAMPLE_RATE,
    Chunk,
    ChunkPart,
    ChunkResult,
    ChunkSpeakers,
    Segment,
    Span,
    SpeakerTurn,
    TokenLogprob,
    Voice,
    Word,
)
from options import TranscriptionOptions
from services.audio_service import Plan
from services.chunk_processor import Stage
from services.chunk_runner import Checkpoints, Parts
from utils.speakers.embedding import pack
from utils.waiting.progress import Progress

SEGMENT = 4 * SAMPLE_RATE
CHUNK = 600 * SAMPLE_RATE
PER_CHUNK = CHUNK // SEGMENT
CHUNKS = 144
SENTENCE = "This is one of the sentences that they said {}."
VOICES = tuple(Voice(n, CHUNK // 2, pack([n == 0, n == 1])) for n in range(2))


class ReadyChunks:
    """A chunk runner that has all results at once, whatever the recording."""

    stages = frozenset({Stage.DIARIZATION})

    async def run(
        self, plan: Plan, options: TranscriptionOptions, progress: Progress, checkpoints: Checkpoints
    ) -> Parts:
        async with aclosing(plan):
            for index in range(CHUNKS):
                result = await to_thread(_chunk, index, options)
                yield result.chunk, ChunkPart(result.segments, result.chunk.stop)
                yield result.chunk, result


def segments(first: int, stop: int, has_logprobs: bool = False) -> Iterator[Segment]:
    """Back to back, four seconds and ten words each."""
    for number in range(first, stop):
        start = number * SEGMENT
        words = tuple(_words(start, SENTENCE.format(number), has_logprobs))
        yield Segment(
            start=start,
            stop=start + SEGMENT,
            text="".join(word.text for word in words),
            words=words,
            tokens=tuple(token for word in words for token in word.tokens),
            window_start=start,
            temperature=0.0,
            avg_logprob=-0.25,
            compression_ratio=1.5,
            no_speech_prob=0.01,
            logprobs=tuple(logprob for word in words for logprob in word.logprobs),
        )


def _words(start: int, sentence: str, has_logprobs: bool) -> Iterator[Word]:
    each = SEGMENT // len(sentence.split())
    for n, text in enumerate(sentence.split()):
        logprobs = (TokenLogprob(f" {text}".encode(), -0.25),) if has_logprobs else ()
        yield Word(
            start + n * each, start + (n + 1) * each, f" {text}", 0.9, (40_000 + n, n), logprobs=logprobs
        )


def _chunk(index: int, options: TranscriptionOptions) -> ChunkResult:
    heard = Span(index * CHUNK, (index + 1) * CHUNK)
    said = tuple(segments(index * PER_CHUNK, (index + 1) * PER_CHUNK, options.decode.logprobs))
    turns = tuple(SpeakerTurn(part.start, part.stop, part.start // SEGMENT % 2) for part in said)
    speakers = ChunkSpeakers(turns, VOICES) if options.diarize else ChunkSpeakers()
    return ChunkResult(Chunk(index, heard.start, heard.stop, heard), "en", said, speakers)
