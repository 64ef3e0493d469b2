"""What counts as a full disk, what is swept, and what is kept for deletions."""

from __future__ import annotations

import errno
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from exceptions import InsufficientStorageError
from utils.disk import Reserve, disk_full_translated, keep_only


@contextmanager
def largest_file(num_bytes: int) -> Iterator[None]:
    """As under `ulimit -f`: no file of this process grows beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_a_quota_and_a_limit_on_files_are_one_error(code: int) -> None:
    with pytest.raises(InsufficientStorageError), disk_full_translated():
        raise OSError(code, "no room")


def test_a_limit_on_files_is_a_full_disk_for_sqlite_too(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "a.db")) as database,
        largest_file(16 * 4096),
        pytest.raises(InsufficientStorageError),
        disk_full_translated(),
        database,
    ):
        database.execute("CREATE TABLE notes AS SELECT zeroblob(1000000)")


def test_other_errors_of_the_disk_stay_what_they_are() -> None:
    with pytest.raises(PermissionError), disk_full_translated():
        raise PermissionError(errno.EACCES, "not yours")


def test_a_sweep_takes_files_and_leaves_folders(tmp_path: Path) -> None:
    for name in ("needed", "left"):
        (tmp_path / name).touch()
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lost+found")
    keep_only(tmp_path, {"needed"})
    assert {path.name for path in tmp_path.iterdir()} == {"needed", "lost+found"}


def test_a_reserve_takes_space_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 10_000)
    reserve.fill()
    reserve.fill()
    assert (tmp_path / "reserve").stat().st_size == 10_000
    reserve.release()
    assert (tmp_path / "reserve").stat().st_size == 0
    with largest_file(0):
        reserve.fill()
    reserve.fill()
    assert (tmp_path / "reserve").stat().st_size == 10_000
