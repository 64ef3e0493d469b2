"""A load that failed: until it is tried again, every caller gets an error of its own at once."""

from __future__ import annotations

import copy
import math

from exceptions import ModelFailedError, ModelUnavailableError, TranscriptionServerError

RETRY_SECONDS = 30.0


class LoadFailure:
    """Holds no exception that was raised: each raise would lengthen its traceback, and that keeps the frames
    of every caller with all their locals."""

    def __init__(self, model: str, error: Exception, now: float) -> None:
        self._error = _for_callers(model, error)
        self._failed_at = now

    def is_recent(self, now: float) -> bool:
        """Whether it is too early to try again."""
        return now - self._failed_at < RETRY_SECONDS

    def error(self, now: float) -> TranscriptionServerError:
        """A new exception. A model that is unavailable can be asked for again when it is next loaded."""
        error = copy.copy(self._error)
        if isinstance(error, ModelUnavailableError):
            error.retry_after = max(1, math.ceil(self._failed_at + RETRY_SECONDS - now))
        return error


def _for_callers(model: str, error: Exception) -> TranscriptionServerError:
    """A process that ended or hung while it loaded is no failure of the caller's own call."""
    if isinstance(error, TranscriptionServerError) and not isinstance(error, ModelFailedError):
        return copy.copy(error)
    return ModelUnavailableError(f"The {model} model cannot be loaded: {error}")
