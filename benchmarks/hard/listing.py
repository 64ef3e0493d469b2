"""Reads the manifests of the hard set."""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.eval_set import Conversation, MissingAudioError, read_rows, to_conversation
from benchmarks.values import Message, Options, Turn

FOLDER = Path(os.environ.get("HARD_DIR", Path.home() / ".cache" / "transcription-benchmarks"))


@dataclass(frozen=True, slots=True)
class LanguageTurn:
    """A turn and its language."""

    turn: Turn
    language: str


@dataclass(frozen=True, slots=True)
class HardRecording:
    """A recording of one half; `speech` has the seconds that each speaker sounds."""

    half: str
    conversation: Conversation
    utterances: tuple[LanguageTurn, ...]
    speech: dict[str, float]


def read_hard_recordings(options: Options, groups: Container[str] | None = None) -> list[HardRecording]:
    """The recordings that `options` selects, of some groups or of all. Raises `MissingAudioError` if the set
    has not been generated."""
    return [
        _recording(half, FOLDER / half, row)
        for half in options.halves
        for row in _rows(FOLDER / half)
        if (row["quick"] or not options.quick)
        and (groups is None or row["kind"] in groups)
        and fnmatch(row["uri"], options.files)
    ]


def _rows(folder: Path) -> list[Message]:
    if not folder.is_dir():
        raise MissingAudioError(f"{folder} not found: run python -m benchmarks.hard, or set HARD_DIR")
    return read_rows(folder)


def _recording(half: str, folder: Path, row: Message) -> HardRecording:
    utterances = tuple(
        LanguageTurn(Turn(item["start"], item["end"], item["speaker"], item["text"]), item["language"])
        for item in row["utterances"]
    )
    return HardRecording(half, to_conversation(folder, row), utterances, row["speech"])
