"""The free space of the workspaces' disk, shared among the requests at work."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from utils.disk import no_space

MAX_MARGIN = 64 * 1024**2  # bytes left for what is not reserved: segments, clips of known speakers
MARGIN_SHARE = 1 / 64  # of a small disk


def _disk_usage(folder: Path) -> tuple[int, int]:
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


async def _nothing_gives_way() -> bool:
    return False


class WorkspaceRoom:
    """Reservations of disk space, by workspace: what is still to be written to it. All reservations fit into
    the space that is free, so that whoever asks for more than that is refused rather than the others.

    `disk_usage` gives the total and the free bytes of the disk that a folder is on.
    """

    def __init__(self, disk_usage: Callable[[Path], tuple[int, int]] = _disk_usage) -> None:
        self._disk_usage = disk_usage
        self._reserved: dict[Path, int] = {}
        self.give_way: Callable[[], Awaitable[bool]] = _nothing_gives_way
        """Frees some space; False if it cannot."""

    async def reserve(self, folder: Path, num_bytes: int) -> None:
        """Reserve what will still be written to `folder`, a workspace or a folder in one, in place of its
        reservation so far. Call it again as it is written, with less, or with more where the length is not
        known. Raises InsufficientStorageError if there is not that much, even when others have given way."""
        while num_bytes > self._reserved.get(folder, 0) and num_bytes > self._available(folder):
            if not await self.give_way():
                raise no_space()
        self._reserved[folder] = num_bytes

    def release(self, workspace: Path) -> None:
        """End the reservations of a workspace and of the folders in it."""
        for folder in [folder for folder in self._reserved if folder.is_relative_to(workspace)]:
            del self._reserved[folder]

    def _available(self, folder: Path) -> int:
        total, free = self._disk_usage(folder)
        others = sum(self._reserved.values()) - self._reserved.get(folder, 0)
        return free - others - min(MAX_MARGIN, int(total * MARGIN_SHARE))
