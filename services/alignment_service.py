"""The seam of the alignment stage: better word times from a CTC model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models import AudioClip, Segment


class Aligner(Protocol):
    async def align(self, clip: AudioClip, segments: Sequence[Segment], language: str) -> list[Segment]:
        """The same segments and words, with better times."""
