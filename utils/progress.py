"""How far a transcription has come."""

from __future__ import annotations

import logging

from models import SAMPLE_RATE

logger = logging.getLogger(__name__)

STEPS = 10  # lines in the log from start to end


class Progress:
    """Samples done of all, known at every moment; every tenth is logged."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.done = 0
        self.total = 0

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total else 0.0

    def begin(self, total: int) -> None:
        self.total = total

    def reach(self, sample: int) -> None:
        """All samples before `sample` are done; going back is ignored."""
        before = int(self.fraction * STEPS)
        self.done = max(self.done, min(sample, self.total))
        if int(self.fraction * STEPS) > before:
            logger.info(
                "%s: %.0f of %.0f s done (%.0f %%)",
                self.request_id,
                self.done / SAMPLE_RATE,
                self.total / SAMPLE_RATE,
                100 * self.fraction,
            )
