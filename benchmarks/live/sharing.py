"""A live session beside a file in hand, and sessions in which nobody talks."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.client import Client
from benchmarks.eval_set import read_conversations
from benchmarks.live.excerpts import RATE, whole
from benchmarks.live.measures import p50_p90
from benchmarks.live.player import play, session_update
from benchmarks.live.scores import Score, by_file, score
from benchmarks.live.systems import Server
from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.values import Options

TITLE = "Live: sharing"

TALK, FILE = "conv3_en_a", "conv6_en_a"
QUICK_TALK_SECONDS, QUICK_FILE = 60.0, "ami_ES2003a_30s"
SILENT_SESSIONS, SILENT_SECONDS = 20, 30

METHOD = f"""\
One session hears `{TALK}` in real time, alone and while `{FILE}` is transcribed (`verbose_json` with words,
no speakers), which is done before the session ends; the file also alone. Then {SILENT_SESSIONS} sessions at
once hear nothing but silence for {SILENT_SECONDS} s."""


def measure(options: Options) -> str:
    recordings = {item.uri: item for item in read_conversations(options.eval_dir)}
    limit = QUICK_TALK_SECONDS if options.quick else np.inf
    talk, file = whole(recordings[TALK], limit), recordings[QUICK_FILE if options.quick else FILE]
    with Server.running() as process:
        alone_file, known = _transcribe(process.base_url, file.audio), by_file(process.base_url, talk)
        alone = score(Server(process).run([talk]), [known])
        with ThreadPoolExecutor(1) as pool:
            transcription = pool.submit(_transcribe, process.base_url, file.audio)
            beside = score(Server(process).run([talk]), [known])
            beside_file = transcription.result()
        core = _silent_core(process)
    if beside_file > talk.seconds:
        note(f"the file took {beside_file:.0f} s, longer than the session")
    rows = [
        ("alone", *_cells(alone), f"{file.seconds / alone_file:.1f}"),
        ("side by side", *_cells(beside), f"{file.seconds / beside_file:.1f}"),
    ]
    header = ("", "word", "final", "file: audio s / s")
    silent = f"A silent session takes {100 * core:.2f} % of a core."
    return "\n\n".join([METHOD, table(header, rows), silent])


def _cells(found: Score) -> tuple[str, str]:
    return p50_p90(found.lags.word), p50_p90(found.turns.final)


def _transcribe(base_url: str, audio: Path) -> float:
    started = time.monotonic()
    Client(base_url).transcribe_words(audio, language="en")
    return time.monotonic() - started


def _silent_core(process: ServerProcess) -> float:
    """The share of a core that one session takes in which nobody talks."""
    pcm = np.zeros(SILENT_SECONDS * RATE, np.int16)

    async def listen() -> None:
        work = (play(process.base_url, pcm, session_update("en"), n * 0.1) for n in range(SILENT_SESSIONS))
        await asyncio.gather(*work)

    before, started = process.cpu_seconds(), time.monotonic()
    asyncio.run(listen())
    return (process.cpu_seconds() - before) / (time.monotonic() - started) / SILENT_SESSIONS
