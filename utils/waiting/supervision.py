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
            # Also what awaiting a future raises that somebody else cancelled, such as a call that was queued
            # for a model being removed. Only a request to cancel this very task ends it.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            logger.warning("%s: what it waited for was cancelled", name)
        except TranscriptionServerError as error:
            logger.error("%s: %s", name, error.message)
        except Exception:
            logger.exception("%s failed; the next run is in %.0f s", name, pause_seconds)
        await asyncio.sleep(pause_seconds)
