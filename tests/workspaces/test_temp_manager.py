"""One folder a request, gone when the request is."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from exceptions import WorkspaceFolderError
from utils.temp_manager import PREFIX, TempManager, open_folder, remove_folder

ROOT = Path(__file__).parents[2]
SERVER = """
import asyncio, sys
from pathlib import Path
from utils.temp_manager import TempManager

async def serve():
    manager = TempManager(Path(sys.argv[1]))
    async with manager.workspace() as path:
        (path / "audio").write_text("private")
        print(manager.root, flush=True)
        sys.stdin.read()

asyncio.run(serve())
"""


@contextmanager
def other_server(parent: Path) -> Iterator[Path]:
    """Another process with a workspace under `parent`, killed in the end; gives its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout
        yield Path(process.stdout.readline().decode().strip())
        process.kill()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[TempManager]:
    manager = TempManager(tmp_path / "new" / "parent")
    yield manager
    manager.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_workspace_is_private_and_gone_afterwards(manager: TempManager) -> None:
    async with manager.workspace() as first, manager.workspace() as second:
        (first / "folder").mkdir()
        (first / "folder" / "audio").write_text("x")
        assert first != second
        assert mode(first) == mode(manager.root) == 0o700
    assert not first.exists()
    assert not second.exists()


async def test_a_workspace_is_gone_after_an_error(manager: TempManager) -> None:
    with pytest.raises(ZeroDivisionError):
        async with manager.workspace() as path:
            raise ZeroDivisionError
    assert not path.exists()


async def test_a_workspace_is_gone_when_its_request_is_cancelled(manager: TempManager) -> None:
    used: list[Path] = []

    async def work() -> None:
        async with manager.workspace() as path:
            used.append(path)
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(used) == 1
    assert not used[0].exists()


async def test_closing_removes_everything(tmp_path: Path) -> None:
    manager = TempManager(tmp_path)
    async with manager.workspace() as path:
        (path / "audio").write_text("x")
        manager.close()
    assert not path.parent.exists()


def test_the_workspace_of_a_dead_server_is_removed_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    other = tmp_path / "someone-elses"
    other.mkdir()
    with other_server(tmp_path) as folder:
        TempManager(tmp_path).close()
        assert [path.read_text() for path in folder.glob("*/audio")] == ["private"]
    assert folder.exists()
    TempManager(tmp_path).close()
    assert list(tmp_path.iterdir()) == [other]


def test_servers_may_start_and_stop_all_at_once(tmp_path: Path) -> None:
    async def work(manager: TempManager) -> None:
        async with manager.workspace() as path:
            (path / "audio").write_text("x")

    def serve(_: int) -> None:
        manager = TempManager(tmp_path)
        asyncio.run(work(manager))
        manager.close()

    with ThreadPoolExecutor(8) as servers:
        list(servers.map(serve, range(200)))
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis").touch()
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / f"{PREFIX}trap").symlink_to(elsewhere)
    (parent / f"{PREFIX}file").touch()
    TempManager(parent).close()
    assert (elsewhere / "thesis").exists()


def test_links_in_a_swept_folder_are_removed_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis").touch()
    dead = tmp_path / f"{PREFIX}dead"
    (dead / "workspace").mkdir(parents=True)
    (dead / "link").symlink_to(elsewhere)
    (dead / "workspace" / "link").symlink_to(elsewhere)
    TempManager(tmp_path).close()
    assert list(tmp_path.iterdir()) == [elsewhere]
    assert (elsewhere / "thesis").exists()


def test_a_folder_swapped_for_a_link_while_it_is_removed_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "letters").mkdir(parents=True)
    (tmp_path / "elsewhere" / "letters" / "thesis").touch()
    folder, aside = tmp_path / "folder", tmp_path / "aside"
    (folder / "letters").mkdir(parents=True)
    descriptor = open_folder(folder)
    folder.rename(aside)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        remove_folder(folder, descriptor)
    os.close(descriptor)
    assert (tmp_path / "elsewhere" / "letters" / "thesis").exists()
    assert list(aside.iterdir()) == []


def test_the_folder_itself_is_locked(manager: TempManager) -> None:
    """What systemd-tmpfiles looks at before it takes an old folder away."""
    descriptor = os.open(manager.root, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


async def test_a_folder_that_was_removed_is_made_anew(manager: TempManager) -> None:
    before = manager.root
    shutil.rmtree(before.parent)
    assert manager.is_usable()
    async with manager.workspace() as path:
        assert path.parent == manager.root != before
        assert mode(manager.root) == 0o700


async def test_a_folder_that_cannot_be_made_anew_is_reported(manager: TempManager) -> None:
    parent = manager.root.parent
    shutil.rmtree(parent)
    parent.write_text("a file where the folder should be")
    assert not manager.is_usable()
    with pytest.raises(WorkspaceFolderError, match="WORKSPACE_DIR"):
        async with manager.workspace():
            pytest.fail("there is no place for it")
    parent.unlink()
    assert manager.is_usable()


def test_a_parent_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceFolderError, match="WORKSPACE_DIR"):
        TempManager(tmp_path / "file" / "work")
