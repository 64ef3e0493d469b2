"""Keeps background work alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from exceptions import TranscriptionServerError

logger = logging.getLogger(__name__)


async def supervised(name: str, work: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    """Run `work` until cancelled, again `pause_seconds` after it has ended or failed. Failures are logged."""
    while True:
        try:
            await work()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            logger.warning("%s: what it waited for was cancelled", name)
        except TranscriptionServerError as error:
            logger.error("%s: %s", name, error.message)
        except Exception:
            logger.exception("%s failed; the next run is in %.0f s", name, pause_seconds)
        await asyncio.sleep(pause_seconds)


def is_cancelled() -> bool:
    """Whether a CancelledError in this task is a request to cancel it. Awaiting a future that somebody else
    cancelled raises it too, such as a call that was queued for a model being removed."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
