"""Progress of a transcription."""

from __future__ import annotations

import logging

from models import SAMPLE_RATE
from utils.waiting.fair_queue import Rank

logger = logging.getLogger(__name__)

LOG_STEPS = 10  # log lines from start to end


class Progress:
    """Samples done and in total; every tenth is logged. It stands for the work of a request wherever turns
    are given: `is_abandoned` is set while nobody waits for the result, and the work goes on behind others."""

    is_abandoned: bool = False

    def __init__(self, request_id: str, owner: str = "") -> None:
        self.request_id = request_id
        self.owner = owner
        self.done = 0
        self.total = 0

    @property
    def rank(self) -> Rank:
        return Rank.ABANDONED if self.is_abandoned else Rank.FILE

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total else 0.0

    def expect(self, total: int) -> None:
        """Set the total, as far as it is known."""
        self.total = total

    def reach(self, sample: int) -> None:
        """All samples before `sample` are done; going back is ignored."""
        before = int(self.fraction * LOG_STEPS)
        self.done = max(self.done, min(sample, self.total))
        if int(self.fraction * LOG_STEPS) > before:
            logger.info(
                "%s: %.0f of %.0f s done (%.0f %%)",
                self.request_id,
                self.done / SAMPLE_RATE,
                self.total / SAMPLE_RATE,
                100 * self.fraction,
            )


class PartOfProgress(Progress):
    """Progress of one of several equally long parts, done in order; updates that of the whole."""

    def __init__(self, whole: Progress, part: int, parts: int) -> None:
        super().__init__(whole.request_id, whole.owner)
        self._whole = whole
        self._part = part
        self._parts = parts

    @property
    def is_abandoned(self) -> bool:
        """That of the whole."""
        return self._whole.is_abandoned

    @is_abandoned.setter
    def is_abandoned(self, value: bool) -> None:
        self._whole.is_abandoned = value

    def expect(self, total: int) -> None:
        super().expect(total)
        self._whole.expect(total * self._parts)

    def reach(self, sample: int) -> None:
        self.done = max(self.done, min(sample, self.total))
        self._whole.reach(self._part * self.total + self.done)
