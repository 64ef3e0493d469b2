"""Runs the chunks of a recording through the stages, in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeAlias

from models import Chunk, ChunkPart, ChunkResult
from options import TranscriptionOptions
from services.audio_service import Plan
from services.chunk_processor import ChunkProcessor, Stage, Stages
from services.early_windows import EarlyWindows
from services.whisper.window_languages import Languages
from utils.speech.speech_map import SpeechMap
from utils.speech.spoken_languages import latest
from utils.waiting.concurrency import ahead
from utils.waiting.progress import Progress

Parts: TypeAlias = AsyncGenerator[tuple[Chunk, ChunkPart | ChunkResult]]
"""The parts of each chunk as they come, then its result."""

Checkpoints: TypeAlias = Callable[[Chunk], Awaitable[ChunkResult | ChunkPart | None]]
"""Looks up the result of a chunk that an earlier run finished, or what it had recognised of one that it had
not."""


async def no_checkpoints(_: Chunk) -> None:
    """For a first run."""


class ChunkRunner(Protocol):
    """The seam between the orchestrator and whatever processes chunks: this process, or other machines."""

    @property
    def stages(self) -> frozenset[Stage]:
        """Those it has models for."""
        ...

    def run(
        self, plan: Plan, options: TranscriptionOptions, progress: Progress, checkpoints: Checkpoints
    ) -> Parts:
        """Chunks in order; those with a checkpoint are replayed, not run again, and one that was recognised
        in part keeps that part. The languages of a chunk are what is expected of the next. Reports progress
        in order, and closes `plan`."""
        ...


class LocalChunkRunner:
    """One chunk at a time in this process, while the next is decoded and planned."""

    def __init__(self, stages: Stages) -> None:
        self._processor = ChunkProcessor(stages)
        self._whisper = stages.whisper
        self.stages = stages.available

    async def run(
        self, plan: Plan, options: TranscriptionOptions, progress: Progress, checkpoints: Checkpoints
    ) -> Parts:
        spoken: Languages = ()
        early = EarlyWindows(self._whisper, options, progress)
        async with aclosing(ahead(plan)) as planned_chunks, aclosing(early):
            async for clip, planned in planned_chunks:
                if isinstance(planned, SpeechMap):
                    early.add(clip, planned)
                    continue
                found = await checkpoints(planned.chunk)
                if isinstance(found, ChunkResult):
                    parts = replay(found, progress)
                else:
                    parts = self._processor.process(clip, planned, options, progress, early.encoded, spoken)
                    parts = resume(found, parts) if found else parts
                async with aclosing(parts):
                    async for part in parts:
                        yield planned.chunk, part
                        if isinstance(part, ChunkResult):
                            spoken = latest(spoken, _languages(part))
                await early.aclose()


def _languages(result: ChunkResult) -> list[str]:
    """In the order in which they are spoken."""
    found = [*(segment.language for segment in result.segments), result.language]
    return [language for language in found if language]


async def replay(result: ChunkResult, progress: Progress) -> AsyncGenerator[ChunkPart | ChunkResult]:
    """Yields a chunk with a checkpoint: all of it as one part, then its result. In one of an earlier version,
    which did not tell, all segments are in the chunk's language."""
    segments = tuple(replace(each, language=each.language or result.language) for each in result.segments)
    result = replace(result, segments=segments)
    yield ChunkPart(result.segments, result.chunk.heard.stop, result.counts)
    progress.reach(result.chunk.stop)
    yield result


async def resume(
    earlier: ChunkPart, parts: AsyncGenerator[ChunkPart | ChunkResult]
) -> AsyncGenerator[ChunkPart | ChunkResult]:
    """Yields a chunk that an earlier run had recognised up to `earlier.until`: what it said up to there, and
    what `parts`, of a run of the whole chunk, say after it. The two may differ before, since what Whisper
    samples does."""
    yield earlier
    segments = earlier.segments
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, ChunkResult):
                yield replace(part, segments=segments)
            elif part.until > earlier.until:
                later = tuple(segment for segment in part.segments if segment.start >= earlier.until)
                segments += later
                yield replace(part, segments=later)
