"""How the C library hands out memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # glibc's malloc.h
ARENAS = 2


def limit_arenas() -> None:
    """Let all threads allocate from a few arenas. Call it before there are threads.

    By default glibc opens up to eight a core, and what a block of work frees in one is of no use to the next
    thread: over six hours of audio the server holds half as much again. Other C libraries are left as they
    are.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
