"""Excerpts of conversations, cut where nobody speaks, so that their transcripts are whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.speakers.scores import read_stm
from benchmarks.values import Turn
from models import SAMPLE_RATE
from utils.audio_utils import SoundFormat
from utils.decoding.blocks import decoded_blocks

Pcm = npt.NDArray[np.int16]

RATE = 24_000  # what clients of the hosted API send
SECONDS = 75.0
MARGIN = 0.4  # seconds of an excerpt before its first word and after its last


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Mono audio at RATE and at 16 kHz, and what is said in it, in seconds from its start."""

    name: str
    pcm: Pcm
    pcm_16_khz: Pcm
    turns: tuple[Turn, ...]
    language: str

    @property
    def seconds(self) -> float:
        return len(self.pcm) / RATE

    @property
    def text(self) -> str:
        return " ".join(turn.text for turn in self.turns)


def read_excerpts(root: Path) -> list[Excerpt]:
    """Of all conversations that have a transcript: first those that begin them."""
    told = [item for item in read_conversations(root, with_long=False) if item.stm and item.kind == "synth"]
    cut = [list(_of(conversation)) for conversation in told]
    longest = max(map(len, cut))
    return [excerpts[n] for n in range(longest) for excerpts in cut if n < len(excerpts)]


def whole(conversation: Conversation, limit: float = np.inf) -> Excerpt:
    """All of a conversation, or its first `limit` seconds."""
    audio = _Audio(conversation.audio)
    turns = read_stm(conversation.stm) if conversation.stm else []
    return audio.excerpt(conversation, 0.0, limit, [turn for turn in turns if turn.end <= limit])


def cuts(turns: Sequence[Turn], seconds: float) -> Iterator[tuple[Turn, ...]]:
    """Consecutive turns, sorted by start, in groups of at least `seconds`, between which nobody speaks; what
    is left at the end is dropped."""
    group: list[Turn] = []
    for turn in turns:
        end = max((each.end for each in group), default=0.0)
        if group and turn.start >= end + 2 * MARGIN and end - group[0].start >= seconds:
            yield tuple(group)
            group = []
        group.append(turn)
    if group and max(each.end for each in group) - group[0].start >= seconds:
        yield tuple(group)


def _of(conversation: Conversation) -> Iterator[Excerpt]:
    assert conversation.stm
    audio = _Audio(conversation.audio)
    for group in cuts(read_stm(conversation.stm), SECONDS):
        start = max(0.0, group[0].start - MARGIN)
        end = max(turn.end for turn in group) + MARGIN
        yield audio.excerpt(conversation, start, end, group)


class _Audio:
    """A recording at both rates."""

    def __init__(self, path: Path) -> None:
        self._pcm = {rate: _read(path, rate) for rate in (RATE, SAMPLE_RATE)}

    def excerpt(self, conversation: Conversation, start: float, end: float, turns: Sequence[Turn]) -> Excerpt:
        end = min(end, len(self._pcm[RATE]) / RATE)
        wide, narrow = (pcm[round(start * rate) : round(end * rate)] for rate, pcm in self._pcm.items())
        shifted = tuple(Turn(t.start - start, t.end - start, t.speaker, t.text) for t in turns)
        return Excerpt(f"{conversation.uri} from {start:.0f} s", wide, narrow, shifted, conversation.language)


def _read(audio: Path, rate: int) -> Pcm:
    blocks = decoded_blocks(audio, SoundFormat(1, rate))
    return np.concatenate([block[0] for block in blocks]).astype(np.int16)
