"""What the files of requirements at the top of the tree ask for."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]
