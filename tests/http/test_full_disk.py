"""A disk that is really full, under the workspaces or under DATA_DIR: what is refused, and what is served."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.durable.jobs import PATH, finished, post
from tests.recordings import silence, tone, wav
from tests.serve_fakes import killable_server
from tests.servers import wait_until

DISK_BYTES = 3_000_000
MOUNT = f'mount -t tmpfs -o size={DISK_BYTES} none "$0" && exec "$@"'
TALK = wav(tone(2.0))
MINUTE = wav(*[tone(10.0), silence(4.0)] * 5)  # 2.2 MB, and as much again when it is decoded


def small_disk(folder: Path) -> list[str]:
    """Runs a command in a mount namespace of its own with a small disk at `folder`."""
    folder.mkdir(exist_ok=True)
    return [*unshared(), "sh", "-c", MOUNT, str(folder)]


def unshared() -> list[str]:
    return [shutil.which("unshare") or "unshare", "--map-root-user", "--mount"]


def can_mount(folder: Path) -> bool:
    if sys.platform != "linux" or not shutil.which("unshare"):
        return False
    run = subprocess.run([*small_disk(folder), "true"], capture_output=True, check=False)
    return run.returncode == 0


@dataclass(frozen=True)
class Server:
    url: str
    disk: Path

    def left(self) -> list[str]:
        """Files on the small disk but those that a working server has there."""
        usual = {"server.db", "server.db-wal", "server.db-reserve"}
        return [path.name for path in self.disk.rglob("*") if path.is_file() and path.name not in usual]

    def fill(self) -> Path:
        filler = self.disk / "filler"
        with filler.open("ab") as out:
            while free := shutil.disk_usage(self.disk).free:
                out.write(bytes(free))
                out.flush()
        return filler


@contextmanager
def serving_on_small_disk(tmp_path: Path, name: str, seconds_per_batch: float = 0.0) -> Iterator[Server]:
    if not can_mount(tmp_path / name):
        pytest.skip("no small disk can be mounted here")
    with killable_server(tmp_path, seconds_per_batch, small_disk(tmp_path / name)) as (url, process):
        mount = f"{tmp_path}/{name}".removeprefix("/")
        yield Server(url, Path("/proc", str(process.pid), "root", mount))


def post_without_length(url: str) -> httpx.Response:
    """The upload in chunks, so that nobody knows how large it is."""
    head = (
        '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    )
    parts = [head.encode(), *[MINUTE] * 3, b"\r\n--x--\r\n"]
    headers = {"content-type": "multipart/form-data; boundary=x"}
    return httpx.post(f"{url}{PATH}", content=iter(parts), headers=headers, timeout=60)


def assert_full(answer: httpx.Response) -> None:
    assert answer.status_code == 507, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == ("insufficient_storage", "server_error")
    assert "disk of this server" in error["message"]
    assert int(answer.headers["retry-after"]) > 0


def test_what_the_workspace_cannot_hold_is_refused_and_the_others_are_served(tmp_path: Path) -> None:
    with (
        serving_on_small_disk(tmp_path, "work", seconds_per_batch=0.5) as server,
        ThreadPoolExecutor() as pool,
    ):
        other = pool.submit(post, server.url, TALK)
        wait_until(lambda: other.done() or any(not name.startswith("upload") for name in server.left()))
        assert_full(post(server.url, MINUTE))
        assert_full(post_without_length(server.url))
        assert other.result().json()["text"] == "w w"
        assert post(server.url, TALK).json()["text"] == "w w"
        wait_until(lambda: not server.left())


def test_a_full_data_folder_can_be_cleared_by_its_users(tmp_path: Path) -> None:
    with serving_on_small_disk(tmp_path, "kept") as server:
        done = post(server.url, TALK, background="true").json()["id"]
        assert finished(server.url, done)["text"] == "w w"
        form = {"data": {"purpose": "user_data"}, "files": {"file": ("a", bytes(10_000))}}
        files = [httpx.post(f"{server.url}/v1/files", **form).json()["id"] for _ in range(10)]  # type: ignore[arg-type]
        server.fill()
        for path in [f"{PATH}/{done}", *(f"/v1/files/{file_id}" for file_id in files)]:
            answer = httpx.delete(f"{server.url}{path}")
            assert answer.status_code == 200, answer.text
            server.fill()
        assert httpx.get(f"{server.url}/v1/files").json()["data"] == []


def test_a_full_data_folder_refuses_what_is_to_last_and_nothing_else(tmp_path: Path) -> None:
    with serving_on_small_disk(tmp_path, "kept") as server:
        filler = server.fill()
        assert_full(post(server.url, MINUTE, background="true"))
        files = {"file": ("talk.wav", MINUTE)}
        assert_full(
            httpx.post(f"{server.url}/v1/files", data={"purpose": "user_data"}, files=files, timeout=60)
        )
        assert post(server.url, TALK).json()["text"] == "w w"
        assert server.left() == ["filler"]
        os.truncate(filler, 0)
        job_id = post(server.url, TALK, background="true").json()["id"]
        assert finished(server.url, job_id)["text"] == "w w"
