"""The free space of a disk, shared among workspaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exceptions import InsufficientStorageError
from utils.temp_manager import TempManager
from utils.workspace_room import MAX_MARGIN, WorkspaceRoom

A, B = Path("/room/a"), Path("/room/b")
MEGABYTE = 1_000_000


class Disk:
    """Writes nothing, but counts."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total

    def usage(self, _: Path) -> tuple[int, int]:
        return self.total, self.free


async def test_who_asks_for_too_much_is_refused_and_the_others_keep_theirs() -> None:
    disk = Disk(100 * MEGABYTE)
    room = WorkspaceRoom(disk.usage)
    await room.reserve(A, 60 * MEGABYTE)
    with pytest.raises(InsufficientStorageError):
        await room.reserve(B, 60 * MEGABYTE)
    await room.reserve(B, 30 * MEGABYTE)
    with pytest.raises(InsufficientStorageError):
        await room.reserve(B, 41 * MEGABYTE)
    await room.reserve(A, 60 * MEGABYTE)


async def test_what_is_written_is_not_counted_twice() -> None:
    disk = Disk(100 * MEGABYTE)
    room = WorkspaceRoom(disk.usage)
    for written in range(0, 60, 10):
        disk.free = disk.total - written * MEGABYTE
        await room.reserve(A, (60 - written) * MEGABYTE)
        await room.reserve(B, 35 * MEGABYTE)


async def test_less_is_never_refused() -> None:
    disk = Disk(100 * MEGABYTE)
    room = WorkspaceRoom(disk.usage)
    await room.reserve(A, 50 * MEGABYTE)
    disk.free = 0
    await room.reserve(A, 40 * MEGABYTE)
    await room.reserve(B, 0)


async def test_a_recording_of_unknown_length_takes_what_nobody_else_was_promised() -> None:
    disk = Disk(100 * MEGABYTE)
    room = WorkspaceRoom(disk.usage)
    await room.reserve(A, 50 * MEGABYTE)

    async def write_for_ever() -> None:
        while True:
            await room.reserve(B, MEGABYTE)
            disk.free -= MEGABYTE
            await room.reserve(B, 0)

    with pytest.raises(InsufficientStorageError):
        await write_for_ever()
    assert 50 * MEGABYTE <= disk.free < 55 * MEGABYTE


async def test_others_give_way_before_anybody_is_refused() -> None:
    disk, asked = Disk(100 * MEGABYTE), []
    disk.free = 10 * MEGABYTE

    async def give_way() -> bool:
        asked.append(disk.free)
        if disk.free >= 50 * MEGABYTE:
            return False
        disk.free += 20 * MEGABYTE
        return True

    room = WorkspaceRoom(disk.usage)
    room.give_way = give_way
    await room.reserve(A, 40 * MEGABYTE)
    assert len(asked) == 2
    with pytest.raises(InsufficientStorageError):
        await room.reserve(B, 40 * MEGABYTE)


async def test_reservations_end_with_the_workspace(tmp_path: Path) -> None:
    manager = TempManager(tmp_path)
    manager.room = WorkspaceRoom(Disk(100 * MEGABYTE).usage)
    for _ in range(3):
        async with manager.workspace() as path:
            await manager.room.reserve(path, 40 * MEGABYTE)
            await manager.room.reserve(path / "channel", 40 * MEGABYTE)
    manager.close()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**9)), max_size=20), st.integers(0, 10**9))
async def test_all_reservations_and_a_margin_fit(asked: list[tuple[int, int]], free: int) -> None:
    disk = Disk(10**9)
    disk.free = free
    room, granted = WorkspaceRoom(disk.usage), dict[int, int]()
    for number, num_bytes in asked:
        before = granted.get(number, 0)
        try:
            await room.reserve(Path(f"/room/{number}"), num_bytes)
            granted[number] = num_bytes
        except InsufficientStorageError:
            assert num_bytes > before
            assert sum(granted.values()) - before + num_bytes > free - MAX_MARGIN
    assert sum(granted.values()) <= max(0, free - disk.total // 64)
