"""kill -9 in the middle of background jobs: whether anything is lost, or done twice."""

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
BEGUN = re.compile(r": chunk (\d+) begins")

METHOD = f"""\
Background jobs of `{RECORDING}` in chunks of {CHUNK_SECONDS} s, with words, Whisper tiny.en. The server is
killed (SIGKILL) at a random moment within as long as half an undisturbed job takes, and started again on the
same folder, until the job is done; then the next job, until {KILLS} kills have happened. Which chunks begin
is in the server's log, which are finished in its database, as the kill left it. A chunk ran twice when a
later server begins it though it was finished."""

HEADER = (
    "job",
    "kills",
    "finished chunks that servers found",
    "chunks begun",
    "of them finished before",
    "same",
)


@dataclass(frozen=True, slots=True)
class Life:
    """What one server found finished and what it began; the last one of a job was not killed."""

    found: frozenset[int]
    begun: list[int]


@dataclass(frozen=True, slots=True)
class Job:
    lives: list[Life]
    is_same: bool

    @property
    def kills(self) -> int:
        return len(self.lives) - 1


class House:
    """A folder that one server after the other lives in."""

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

    def start(self, server: ServerProcess) -> str:
        """The id of a new job."""
        form = {"model": "whisper-1", "background": "true"}
        files = {"file": (self._recording.name, self._recording.read_bytes())}
        answer = httpx.post(f"{server.base_url}{PATH}", data=form, files=files, timeout=60)
        return str(answer.raise_for_status().json()["id"])

    def finished(self, job_id: str) -> frozenset[int]:
        """The chunks that are written down, read from a copy: the next server is to find what the kill
        left."""
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
        house = House(Path(folder), recording.audio)
        expected, seconds = _undisturbed(house)
        jobs = list(_disturbed(house, expected, seconds / 2, kills))
        left = house.workspaces()
    return "\n\n".join([METHOD, table(HEADER, _rows(jobs)), _summary(jobs, left)])


def _undisturbed(house: House) -> tuple[Message, float]:
    with house.server() as server:
        started = time.monotonic()
        job = _wait(server, house.start(server))
    seconds = time.monotonic() - started
    note(f"undisturbed: {seconds:.0f} s")
    return job["result"], seconds


def _disturbed(house: House, expected: Message, longest: float, kills: int) -> Iterator[Job]:
    chance = random.Random(SEED)
    while kills > 0:
        job = _killed_again_and_again(house, expected, longest, kills, chance)
        kills -= job.kills
        note(f"{job.kills} kills, {'the same' if job.is_same else 'another transcript'}")
        yield job


def _killed_again_and_again(
    house: House, expected: Message, longest: float, most: int, chance: random.Random
) -> Job:
    """One job to its end, with at most `most` kills on the way."""
    lives: list[Life] = []
    job_id, found = "", frozenset[int]()
    while True:
        with house.server() as server:
            job_id = job_id or house.start(server)
            is_killed = len(lives) < most and not _is_done_within(chance.uniform(0, longest), server, job_id)
            if is_killed:
                server.kill()
            result = None if is_killed else _wait(server, job_id)["result"]
            lives.append(Life(found, [int(index) for index in BEGUN.findall(server.log())]))
        if not is_killed:
            return Job(lives, result == expected)
        found = house.finished(job_id)


def _is_done_within(seconds: float, server: ServerProcess, job_id: str) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _ask(server, job_id)["status"] == "completed":
            return True
        threading.Event().wait(0.05)
    return False


def _wait(server: ServerProcess, job_id: str) -> Message:
    while (job := _ask(server, job_id))["status"] in ("queued", "in_progress"):
        threading.Event().wait(0.1)
    return job


def _ask(server: ServerProcess, job_id: str) -> Message:
    query = {"response_format": "verbose_json"}
    answer = httpx.get(f"{server.base_url}{PATH}/{job_id}", params=query, timeout=60)
    job: Message = answer.raise_for_status().json()
    return job


def _rows(jobs: Iterable[Job]) -> Iterator[tuple[object, ...]]:
    for number, job in enumerate(jobs, start=1):
        found = ", ".join(str(len(life.found)) for life in job.lives[1:]) or "none"
        begun = sum(len(life.begun) for life in job.lives)
        yield number, job.kills, found, begun, _twice(job), "yes" if job.is_same else "no"


def _twice(job: Job) -> int:
    return sum(index in life.found for life in job.lives for index in life.begun)


def _summary(jobs: list[Job], left: int) -> str:
    return (
        f"{sum(job.kills for job in jobs)} kills in {len(jobs)} jobs: {sum(job.is_same for job in jobs)} of"
        f" {len(jobs)} transcripts equal to the undisturbed one, {sum(map(_twice, jobs))} finished chunks ran"
        f" twice, {left} workspaces left."
    )
