"""The Dockerfile and .dockerignore, read as Docker reads them, as far as ours go."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNTRACKED = {".git", ".venv", ".venv-studio", ".venv-gpu", ".venv-peers", "node_modules", "weights"}


@dataclass(frozen=True, slots=True)
class Instruction:
    stage: str
    word: str
    rest: str


def instructions() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: list[Instruction] = []
    stage = ""
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stage = rest.split()[-1]
        if word:
            found.append(Instruction(stage, word, rest.strip()))
    return found


@cache
def context() -> list[Path]:
    """The files that `docker build .` sends, relative to the root."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in UNTRACKED]
        found += [Path(folder, file).relative_to(ROOT) for file in files]
    return [path for path in found if not _is_ignored(path, patterns)]


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    """The last pattern that matches the path or a folder of it decides."""
    ignored = False
    parents = [path, *path.parents][:-1]
    for pattern in patterns:
        names = [parent.name if pattern.startswith("**/") else str(parent) for parent in parents]
        wanted = pattern.removeprefix("!").removeprefix("**/")
        if any(fnmatchcase(name, wanted) and name.count("/") == wanted.count("/") for name in names):
            ignored = not pattern.startswith("!")
    return ignored


def copies(stage: str | None = None) -> list[tuple[list[str], str]]:
    """Sources and target of every COPY from the context, of one stage or of all."""
    found = []
    for instruction in instructions():
        if instruction.word == "COPY" and "--from=" not in instruction.rest:
            *sources, target = instruction.rest.split()
            if stage in (None, instruction.stage):
                found.append((sources, target))
    return found


def matching(source: str) -> list[Path]:
    """The files of the context that a source of COPY names: a pattern, a file or a folder."""
    return [
        path
        for path in context()
        if (fnmatchcase(str(path), source) and "/" not in str(path)) or path.parts[0] == source
    ]


def copy_program(folder: Path) -> None:
    """What the stage `program` copies, into `folder`."""
    for sources, _ in copies("program"):
        for path in (path for source in sources for path in matching(source)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
