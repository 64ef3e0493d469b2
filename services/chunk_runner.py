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
from utils.speech.speech_map import SpeechMap
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
        in part keeps that part. The language detected in the first chunk with speech applies to all after it.
        Reports progress in order, and closes `plan`."""
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
                    parts = self._processor.process(clip, planned, options, progress, early.encoded)
                    parts = resume(found, parts) if found else parts
                async with aclosing(parts):
                    async for part in parts:
                        yield planned.chunk, part
                        if isinstance(part, ChunkResult):
                            options = replace(options, decode=replace(options.decode, language=part.language))
                await early.aclose()


async def replay(result: ChunkResult, progress: Progress) -> AsyncGenerator[ChunkPart | ChunkResult]:
    """Yields a chunk with a checkpoint: all of it as one part, then its result."""
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
