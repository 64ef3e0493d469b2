"""The chunks of a recording through the stages, in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeAlias

from models import Chunk, ChunkPart, ChunkResult
from options import TranscriptionOptions
from services.audio_service import Plan
from services.chunk_processor import ChunkProcessor, Stage, Stages
from utils.waiting.concurrency import ahead
from utils.waiting.progress import Progress

Parts: TypeAlias = AsyncGenerator[tuple[Chunk, ChunkPart | ChunkResult]]
"""What is heard of each chunk as it comes, then the whole of it."""

Checkpoints: TypeAlias = Callable[[Chunk], Awaitable[ChunkResult | None]]
"""Looks up what an earlier run made of a chunk, if it finished it."""


async def no_checkpoints(_: Chunk) -> None:
    """For what runs for the first time."""


class ChunkRunner(Protocol):
    """The seam between the orchestrator and whoever works on chunks: this process, or other machines."""

    @property
    def stages(self) -> frozenset[Stage]:
        """Those that it has models for."""
        ...

    def run(
        self, plan: Plan, options: TranscriptionOptions, progress: Progress, checkpoints: Checkpoints
    ) -> Parts:
        """Chunks in order; those with a checkpoint are not run again. The language found in the first that
        has speech holds for those after it."""
        ...


class LocalChunkRunner:
    """One chunk after the other, while the next is decoded and planned."""

    def __init__(self, stages: Stages) -> None:
        self._processor = ChunkProcessor(stages)
        self.stages = stages.available

    async def run(
        self, plan: Plan, options: TranscriptionOptions, progress: Progress, checkpoints: Checkpoints
    ) -> Parts:
        async with aclosing(ahead(plan)) as planned_chunks:
            async for clip, planned in planned_chunks:
                if result := await checkpoints(planned.chunk):
                    parts = _replay(result, progress)
                else:
                    parts = self._processor.process(clip, planned, options, progress)
                async with aclosing(parts):
                    async for part in parts:
                        yield planned.chunk, part
                        if isinstance(part, ChunkResult):
                            options = replace(options, decode=replace(options.decode, language=part.language))


async def _replay(result: ChunkResult, progress: Progress) -> AsyncGenerator[ChunkPart | ChunkResult]:
    """A chunk that was finished before gives what it gave then."""
    yield ChunkPart(result.segments, result.chunk.heard.stop, result.counts)
    progress.reach(result.chunk.stop)
    yield result
