"""Finished chunks in the result cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models import Chunk, ChunkResult, ChunkSpeakers, Span
from utils.store.chunk_cache import ChunkCache
from utils.store.result_cache import ResultCache

CHUNK = Chunk(0, 0, 100, Span(0, 110))
RESULT = ChunkResult(CHUNK, "en", (), ChunkSpeakers())
KEY = "key"


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    return ResultCache(tmp_path / "results", 10_000, 1000)


def test_a_later_run_of_the_same_request_finds_a_chunk(cache: ResultCache) -> None:
    ChunkCache(cache, KEY).put(RESULT)
    assert ChunkCache(cache, KEY).find(CHUNK) == RESULT
    assert ChunkCache(cache, "another").find(CHUNK) is None
    assert ChunkCache(cache, KEY).find(replace(CHUNK, index=1)) is None


def test_a_chunk_that_is_cut_differently_is_not_found(cache: ResultCache) -> None:
    ChunkCache(cache, KEY).put(RESULT)
    assert ChunkCache(cache, KEY).find(replace(CHUNK, stop=90)) is None


def test_a_damaged_chunk_is_not_found_and_replaced(cache: ResultCache, tmp_path: Path) -> None:
    ChunkCache(cache, KEY).put(RESULT)
    (path,) = (tmp_path / "results").iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    again = ChunkCache(cache, KEY)
    assert again.find(CHUNK) is None
    again.put(RESULT)
    assert again.find(CHUNK) == RESULT


def test_the_only_chunk_of_a_recording_is_not_stored(cache: ResultCache) -> None:
    whole = Chunk(0, 0, 100, Span(0, 100))
    ChunkCache(cache, KEY).put(replace(RESULT, chunk=whole))
    assert ChunkCache(cache, KEY).find(whole) is None


def test_what_was_found_or_put_is_deleted_in_the_end(cache: ResultCache, tmp_path: Path) -> None:
    second = Chunk(1, 100, 200, Span(90, 210))
    ChunkCache(cache, KEY).put(RESULT)
    ChunkCache(cache, "another").put(RESULT)
    again = ChunkCache(cache, KEY)
    again.find(CHUNK)
    again.put(replace(RESULT, chunk=second))
    again.clear()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["another-0"]


def test_a_cache_that_is_turned_off_stores_none(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "results", 0, 1000)
    chunks = ChunkCache(cache, KEY)
    chunks.put(RESULT)
    assert chunks.find(CHUNK) is None
    chunks.clear()
