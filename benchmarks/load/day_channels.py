"""Merges two channels of a day in a process of its own, and measures the memory that it takes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load.day_transcript import CHUNK, CHUNKS, PER_CHUNK, segments
from benchmarks.values import Message
from benchmarks.worker import answer_requests
from models import Transcript
from utils.transcript.channel_merger import ChannelMerger
from utils.transcript.segment_log import SegmentLog


def merge(_: Message) -> Message:
    """`mib`: by how much resident memory grew at most; `seconds`; how many `segments` remain."""
    with TemporaryDirectory() as folder:
        channels = [
            Transcript("en", CHUNKS * CHUNK, SegmentLog(Path(folder), segments(0, CHUNKS * PER_CHUNK)))
            for _ in range(2)
        ]
        before, started = _memory("VmRSS"), time.perf_counter()
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from now on
        merger = ChannelMerger(channels, lambda *_: 1.0, True, Path(folder))
        while (merged := merger.step()) is None:
            pass
        seconds = time.perf_counter() - started
        return {"mib": _memory("VmHWM") - before, "seconds": seconds, "segments": len(merged.segments)}


def _memory(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    answer_requests(merge)
