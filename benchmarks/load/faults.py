"""Kills the server during background jobs and checks for lost and repeated work."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.eval_set import read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import SERVER, ServerProcess
from benchmarks.values import Message, Options

TITLE = "Faults"

KILLS, QUICK_KILLS = 20, 4
RECORDING = "conv4_en_a"
CHUNK_SECONDS = 60
SEED = 1
PATH = "/v1/audio/transcriptions"
CHUNK_STARTED = re.compile(r": chunk (\d+) begins")

METHOD = f"""\
Background jobs of `{RECORDING}` in chunks of {CHUNK_SECONDS} s, with words, Whisper tiny.en. The server is
killed (SIGKILL) at a random time after each start, up to half the duration of an uninterrupted job, and
restarted on the same data until the job is done; jobs follow until {KILLS} kills. Started chunks are read
from the server's log, finished chunks from its database as the kill left it. A chunk ran twice if a later
server started it although it was finished."""

HEADER = (
    "job",
    "kills",
    "finished chunks found at restart",
    "chunks started",
    "of them already finished",
    "same transcript",
)


@dataclass(frozen=True, slots=True)
class ServerRun:
    """Chunks that one server process found finished and those it started; a job's last run is not killed."""

    finished: frozenset[int]
    started: list[int]


@dataclass(frozen=True, slots=True)
class Job:
    runs: list[ServerRun]
    is_same: bool

    @property
    def kills(self) -> int:
        return len(self.runs) - 1


class Deployment:
    """The data of a server, used by one server process after another."""

    def __init__(self, folder: Path, recording: Path) -> None:
        self._folder = folder
        self._recording = recording

    def server(self) -> AbstractContextManager[ServerProcess]:
        return ServerProcess.running(
            SERVER,
            False,
            WHISPER_MODEL="whisper-tiny.en",
            ENABLE_SPEAKER_DIARIZATION="false",
            CHUNK_SECONDS=str(CHUNK_SECONDS),
            DATA_DIR=str(self._folder / "data"),
            WORKSPACE_DIR=str(self._folder / "work"),
        )

    def submit(self, server: ServerProcess) -> str:
        """Starts a job; returns its id."""
        form = {"model": "whisper-1", "background": "true"}
        files = {"file": (self._recording.name, self._recording.read_bytes())}
        answer = httpx.post(f"{server.base_url}{PATH}", data=form, files=files, timeout=60)
        return str(answer.raise_for_status().json()["id"])

    def finished_chunks(self, job_id: str) -> frozenset[int]:
        """Chunks with a stored result, read from a copy of the database so that the next server finds it as
        the kill left it."""
        with tempfile.TemporaryDirectory() as folder:
            for path in (self._folder / "data").glob("server.db*"):
                shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / "server.db")) as connection:
                rows = connection.execute('SELECT "index" FROM chunks WHERE job_id = ?', (job_id,))
                return frozenset(index for (index,) in rows)

    def workspaces(self) -> int:
        return len(list((self._folder / "work").glob("*/*/")))


def measure(options: Options) -> str:
    recording = next(item for item in read_conversations(options.eval_dir) if item.uri == RECORDING)
    kills = QUICK_KILLS if options.quick else KILLS
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment(Path(folder), recording.audio)
        expected, seconds = _run_uninterrupted(deployment)
        jobs = list(_run_interrupted(deployment, expected, seconds / 2, kills))
        left = deployment.workspaces()
    return "\n\n".join([METHOD, table(HEADER, _rows(jobs)), _summary(jobs, left)])


def _run_uninterrupted(deployment: Deployment) -> tuple[Message, float]:
    with deployment.server() as server:
        started = time.monotonic()
        job = _wait_until_done(server, deployment.submit(server))
    seconds = time.monotonic() - started
    note(f"uninterrupted: {seconds:.0f} s")
    return job["result"], seconds


def _run_interrupted(
    deployment: Deployment, expected: Message, max_delay: float, kills: int
) -> Iterator[Job]:
    rng = random.Random(SEED)
    while kills > 0:
        job = _run_with_kills(deployment, expected, max_delay, kills, rng)
        kills -= job.kills
        note(f"{job.kills} kills, {'same' if job.is_same else 'different'} transcript")
        yield job


def _run_with_kills(
    deployment: Deployment, expected: Message, max_delay: float, max_kills: int, rng: random.Random
) -> Job:
    """Runs one job to completion with at most `max_kills` kills."""
    runs: list[ServerRun] = []
    job_id, finished = "", frozenset[int]()
    while True:
        with deployment.server() as server:
            job_id = job_id or deployment.submit(server)
            is_killed = len(runs) < max_kills and not _is_done_within(
                rng.uniform(0, max_delay), server, job_id
            )
            if is_killed:
                server.kill()
            result = None if is_killed else _wait_until_done(server, job_id)["result"]
            runs.append(ServerRun(finished, [int(index) for index in CHUNK_STARTED.findall(server.log())]))
        if not is_killed:
            return Job(runs, result == expected)
        finished = deployment.finished_chunks(job_id)


def _is_done_within(seconds: float, server: ServerProcess, job_id: str) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _get_job(server, job_id)["status"] == "completed":
            return True
        threading.Event().wait(0.05)
    return False


def _wait_until_done(server: ServerProcess, job_id: str) -> Message:
    while (job := _get_job(server, job_id))["status"] in ("queued", "in_progress"):
        threading.Event().wait(0.1)
    return job


def _get_job(server: ServerProcess, job_id: str) -> Message:
    query = {"response_format": "verbose_json"}
    answer = httpx.get(f"{server.base_url}{PATH}/{job_id}", params=query, timeout=60)
    job: Message = answer.raise_for_status().json()
    return job


def _rows(jobs: Iterable[Job]) -> Iterator[tuple[object, ...]]:
    for number, job in enumerate(jobs, start=1):
        finished = ", ".join(str(len(run.finished)) for run in job.runs[1:]) or "none"
        started = sum(len(run.started) for run in job.runs)
        yield number, job.kills, finished, started, _num_repeated(job), "yes" if job.is_same else "no"


def _num_repeated(job: Job) -> int:
    return sum(index in run.finished for run in job.runs for index in run.started)


def _summary(jobs: list[Job], left: int) -> str:
    return (
        f"{sum(job.kills for job in jobs)} kills in {len(jobs)} jobs: {sum(job.is_same for job in jobs)} of"
        f" {len(jobs)} transcripts equal to the uninterrupted one, {sum(map(_num_repeated, jobs))} finished"
        f" chunks ran twice, {left} workspaces left."
    )
