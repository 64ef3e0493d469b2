"""FFmpeg's own decoding, as the program of that name does it: on the recording's clock, holes as silence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.eval_set import MissingAudioError
from benchmarks.files.encoding import Pcm
from benchmarks.worker import ROOT
from models import SAMPLE_RATE

ON_ITS_CLOCK = "aresample=async=1:first_pts=0"
# Without these a hole of ten seconds in MPEG-TS is taken for an error of the clock. Only the streams that are
# used count for its start, so that the picture is read too.
AS_STAMPED = ["-copyts", "-start_at_zero"]
VERSION = re.compile(r"ffmpeg version n?(\d+(?:\.\d+)*)")
WHEELS = ".venv*/lib/*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*"
TIMEOUT = 60.0  # seconds


class MissingFfmpegError(MissingAudioError):
    """There is no ffmpeg program."""


@cache
def ffmpeg() -> tuple[str, str]:
    """The program that FFMPEG names, else the newest found, and its version. Raises MissingFfmpegError."""
    named = os.environ.get("FFMPEG")
    found = {program: _version(program) for program in ([named] if named else _candidates())}
    if not found:
        raise MissingFfmpegError("ffmpeg is missing: install it, or make peers, or name it in FFMPEG")
    newest = max(found, key=lambda program: [int(part) for part in found[program].split(".")])
    return newest, found[newest]


def reference(path: Path, has_picture: bool) -> Pcm | None:
    """The first audio stream of a file in mono at SAMPLE_RATE; None if FFmpeg decodes nothing of it."""
    program, _ = ffmpeg()
    read = [program, "-nostdin", "-v", "quiet", *AS_STAMPED, "-i", str(path)]
    sound = ["-map", "0:a:0", "-af", ON_ITS_CLOCK, "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "s16le", "-"]
    picture = ["-map", "0:v:0", "-c", "copy", "-f", "null", os.devnull] if has_picture else []
    try:
        done = subprocess.run([*read, *sound, *picture], capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return None
    return np.frombuffer(done.stdout, "<i2") if done.stdout else None


def _candidates() -> Iterator[str]:
    if installed := shutil.which("ffmpeg"):
        yield installed
    yield from map(str, ROOT.glob(WHEELS))


def _version(program: str) -> str:
    text = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    found = VERSION.search(text)
    return found[1] if found else "0"
