"""Limits what the malloc of glibc keeps."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # glibc's malloc.h
ARENAS = 2


def limit_arenas() -> None:
    """Make all threads share a few malloc arenas. Call it before any thread starts.

    By default glibc opens up to eight per core, and memory freed in one cannot serve a thread that uses
    another: over six hours of audio the server holds half as much again. Other C libraries are left alone.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def return_freed_memory() -> None:
    """Give freed memory back to the system, such as the buffers in which a network converted its weights.
    Other C libraries are left alone."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
