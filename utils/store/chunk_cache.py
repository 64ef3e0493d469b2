"""The finished chunks of a recording whose client left, from which its retry goes on."""

from __future__ import annotations

from contextlib import suppress

from models import Chunk, ChunkResult
from utils.store.result_cache import ResultCache
from utils.transcript import codec


class ChunkCache:
    """Chunks of one recording in the result cache, under names that begin with its `key` there. Blocking."""

    def __init__(self, cache: ResultCache, key: str) -> None:
        self._cache = cache
        self._key = key
        self._stored: set[int] = set()

    def find(self, chunk: Chunk) -> ChunkResult | None:
        """None if it is absent, damaged, or was cut differently."""
        file = self._cache.open(self._name(chunk.index))
        if file is None:
            return None
        with file, suppress(ValueError):
            result = codec.decode(ChunkResult, file.read())
            if result.chunk == chunk:
                self._stored.add(chunk.index)
                return result
        return None

    def put(self, result: ChunkResult) -> None:
        """Store a chunk, unless it is stored already or all there is: the transcript follows at once."""
        if result.chunk.index not in self._stored and not result.chunk.is_whole:
            self._cache.put(self._name(result.chunk.index), [codec.encode(result)])
            self._stored.add(result.chunk.index)

    def clear(self) -> None:
        """Delete those that were found or put."""
        for index in self._stored:
            self._cache.delete(self._name(index))

    def _name(self, index: int) -> str:
        return f"{self._key}-{index}"
