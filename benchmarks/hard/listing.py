"""Reads the hard set, and generates it first if it is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from benchmarks.eval_set import MANIFEST, Conversation, read_rows, to_conversation
from benchmarks.hard.generation import generate
from benchmarks.values import HALVES, Message, Options, Turn

S = TypeVar("S")

FOLDER = Path(os.environ.get("HARD_DIR", Path.home() / ".cache" / "transcription-benchmarks"))

ABOUT = """\
The hard set is made of the evaluation audio by `python -m benchmarks.hard`: its utterances, cut at pauses and
put together anew, in rooms, noise and codecs, at many levels. Half of it is for tuning, half held out; no
voice is in both."""


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

    @property
    def group(self) -> tuple[str, str]:
        """Half and kind."""
        return self.half, self.conversation.kind


def by_group(
    scored: Sequence[S], group_of: Callable[[S], tuple[str, str]]
) -> Iterator[tuple[str, str, list[S]]]:
    """Half or source, kind and items, of each kind and then of all."""
    for source in dict.fromkeys(group_of(item)[0] for item in scored):
        of_source = [item for item in scored if group_of(item)[0] == source]
        for kind in dict.fromkeys(group_of(item)[1] for item in of_source):
            yield source, kind, [item for item in of_source if group_of(item)[1] == kind]
        yield source, "**all**", of_source


def given_language(conversation: Conversation) -> str | None:
    """The language to name in a request; in recordings of several it must be detected."""
    return None if conversation.kind == "languages" else conversation.language


def read_hard_recordings(
    options: Options, groups: Container[str] | None = None, folder: Path = FOLDER
) -> list[HardRecording]:
    """The recordings that `options` selects, of some groups or of all. Raises `MissingAudioError` without the
    evaluation audio."""
    if not all((folder / half / MANIFEST).is_file() for half in HALVES):
        generate(options.eval_dir, folder)
    return [
        _recording(half, folder / half, row)
        for half in options.halves
        for row in read_rows(folder / half)
        if (row["quick"] or not options.quick)
        and (groups is None or row["kind"] in groups)
        and fnmatch(row["uri"], options.files)
    ]


def _recording(half: str, folder: Path, row: Message) -> HardRecording:
    utterances = tuple(
        LanguageTurn(Turn(item["start"], item["end"], item["speaker"], item["text"]), item["language"])
        for item in row["utterances"]
    )
    return HardRecording(half, to_conversation(folder, row), utterances, row["speech"])
