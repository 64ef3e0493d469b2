"""What the files of requirements at the top of the tree ask for."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def requirements(name: str) -> list[str]:
    """Its requirements: no comments, options and names of other files. A continued line is one."""
    lines = (ROOT / name).read_text().replace("\\\n", "").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]
