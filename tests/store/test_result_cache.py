"""Finished results on disk, bounded in size and age."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from utils.store.result_cache import ResultCache


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def cache(folder: Path, clock: Clock, max_bytes: int = 30, max_seconds: float = 1000) -> ResultCache:
    return ResultCache(folder / "results", max_bytes, max_seconds, clock)


def read(kept: ResultCache, key: str) -> bytes | None:
    file = kept.open(key)
    if file is None:
        return None
    with file:
        return file.read()


def test_what_was_put_is_found_by_a_later_server_too(tmp_path: Path, clock: Clock) -> None:
    cache(tmp_path, clock).put("a", [b"said"])
    assert read(cache(tmp_path, clock), "a") == b"said"
    assert read(cache(tmp_path, clock), "b") is None


def test_nobody_else_on_the_host_can_read_it(tmp_path: Path, clock: Clock) -> None:
    cache(tmp_path, clock).put("a", [b"said"])
    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "results/a").stat().st_mode) == 0o600


def test_the_least_recently_used_are_evicted(tmp_path: Path, clock: Clock) -> None:
    kept = cache(tmp_path, clock)
    for key in "abc":
        kept.put(key, [b"x" * 10])
    assert read(kept, "a")
    kept.put("d", [b"x" * 10])
    assert [key for key in "abcd" if read(kept, key)] == ["a", "c", "d"]


def test_what_can_never_fit_evicts_nothing(tmp_path: Path, clock: Clock) -> None:
    kept = cache(tmp_path, clock)
    kept.put("a", [b"x" * 10])
    kept.put("b", [b"x" * 31])
    assert [key for key in "ab" if read(kept, key)] == ["a"]


def test_use_does_not_extend_a_lifetime(tmp_path: Path, clock: Clock) -> None:
    kept = cache(tmp_path, clock)
    kept.put("old", [b"x"])
    clock.now += 900
    assert read(kept, "old")
    kept.put("new", [b"x"])
    clock.now += 200
    assert read(kept, "old") is None
    kept.sweep()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["new"]


def test_a_cache_that_is_turned_off_deletes_all(tmp_path: Path, clock: Clock) -> None:
    cache(tmp_path, clock).put("a", [b"x"])
    off = cache(tmp_path, clock, max_bytes=0)
    off.sweep()
    off.put("b", [b"x"])
    assert list((tmp_path / "results").iterdir()) == []


def test_a_disk_that_refuses_is_no_failure(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    kept = cache(tmp_path, clock)
    kept.put("a", [b"x"])
    assert read(kept, "a") is None
