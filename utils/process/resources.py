"""Memory and priority of processes and threads."""

from __future__ import annotations

import os
import sys
import threading

import psutil

NICENESS = 5  # of slot threads and model processes: the event loop has priority


def lower_priority() -> None:
    """Of the calling thread. On Linux niceness is per thread and inherited by the threads and processes that
    it starts. A server that was started nicer stays so: lowering niceness takes a privilege."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process in bytes; 0 once it has exited."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
