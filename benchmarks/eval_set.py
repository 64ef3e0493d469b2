"""Reads the manifests of the evaluation audio."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models import Audio
from utils.decoding.blocks import decoded_blocks

LONG = "long"
MANIFEST = "manifest.jsonl"


class MissingAudioError(Exception):
    """The evaluation audio is missing."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording of one speaker and its transcript."""

    audio: Path
    text: str
    language: str
    subset: str
    seconds: float
    speaker: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A recording of several speakers: `rttm` has the turns, `uem` the scored region, `stm` the text."""

    uri: str
    audio: Path
    rttm: Path
    uem: Path
    stm: Path | None
    language: str
    num_speakers: int
    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Mix:
    """Speech mixed with music or noise, and the clean speech."""

    audio: Path
    clean: Path
    background: str
    snr: int  # dB


def read_mixes(root: Path) -> list[Mix]:
    folder = root / "mixed"
    return [
        Mix(folder / row["audio"], folder / row["clean"], row["background"], row["snr_db"])
        for row in read_rows(folder)
    ]


def read_audio(path: Path) -> Audio:
    """A whole recording at 16 kHz."""
    pcm = np.concatenate(list(decoded_blocks(path)), axis=1)[0]
    return np.asarray(pcm / 32768, np.float32)


def read_utterances(root: Path) -> list[Utterance]:
    folder = root / "wer"
    return [
        Utterance(
            audio=folder / row["audio"],
            text=row["text"],
            language=row["language"],
            subset=row["subset"],
            seconds=row["duration"],
            speaker=row["speaker"],
        )
        for row in read_rows(folder)
    ]


def read_conversations(root: Path, *, with_long: bool = True) -> list[Conversation]:
    folder = root / "der"
    conversations = [to_conversation(folder, row) for row in read_rows(folder)]
    return [item for item in conversations if with_long or item.kind != LONG]


def read_rows(folder: Path) -> list[dict[str, Any]]:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise MissingAudioError(f"{manifest} not found: set --eval or EVAL_DIR to the evaluation audio")
    return [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line.strip()]


def to_conversation(folder: Path, row: dict[str, Any]) -> Conversation:
    """A line of a manifest in `folder`."""
    return Conversation(
        uri=row["uri"],
        audio=folder / row["audio"],
        rttm=folder / row["rttm"],
        uem=folder / row["uem"],
        stm=folder / row["stm"] if row.get("stm") else None,
        language=row.get("language") or row["languages"][0],
        num_speakers=row["speakers"],
        kind=row["kind"],
        seconds=row["duration"],
    )
