"""The seam of the punctuation stage: marks where the recogniser left none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models import Segment


class Punctuator(Protocol):
    async def restore(self, segments: Sequence[Segment], language: str) -> list[Segment]:
        """The same words and times, with marks and the case after them."""
