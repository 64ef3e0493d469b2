"""Memory that threads share."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from utils.process.allocator import ARENAS

THREADS = """\
import ctypes, sys, threading
from utils.process.allocator import limit_arenas

libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
if sys.argv[2] == "shared":
    limit_arenas()
together = threading.Barrier(12)

def allocate():
    together.wait()
    held = [ctypes.create_string_buffer(10_000) for _ in range(50)]
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc")
def test_many_threads_allocate_from_few_arenas(tmp_path: Path) -> None:
    def arenas(how: str) -> int:
        report = tmp_path / how
        subprocess.run([sys.executable, "-c", THREADS, report, how], check=True)
        return report.read_text().count("<heap nr=")

    assert arenas("shared") <= ARENAS < arenas("own")
