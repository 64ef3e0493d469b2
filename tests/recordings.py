"""Recordings for tests: the committed conversations with their scripts, and tones made on the spot."""

from __future__ import annotations

import io
import json
import re
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio
from models import SAMPLE_RATE, Audio, Span
from utils.speech.speech_map import FRAME, SpeechMap

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class ScriptedTurn:
    speaker: str
    start: float
    stop: float
    text: str


@dataclass(frozen=True)
class Conversation:
    audio: Path
    turns: tuple[ScriptedTurn, ...]

    @property
    def words(self) -> list[str]:
        return plain_words(" ".join(turn.text for turn in self.turns))

    @property
    def samples(self) -> Audio:
        return read_audio(self.audio)


def conversation(name: str, folder: Path = FIXTURES) -> Conversation:
    script = json.loads((folder / f"{name}.json").read_text())
    return Conversation(folder / f"{name}.flac", tuple(ScriptedTurn(**turn) for turn in script["turns"]))


def plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def tone(seconds: float, hertz: float = 300.0) -> Audio:
    """What the fakes take for one person speaking."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def chords(seconds: int) -> Audio:
    """What the detector takes for music: three struck notes of C major every second."""
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    steps = np.random.default_rng(7).choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16], (seconds, 3))
    notes = 220 * 2 ** (steps[..., None] / 12)
    overtones = [np.sin(2 * np.pi * notes * moments * n) / n for n in range(1, 5)]
    struck = np.sum(overtones, axis=(0, 2)) * np.exp(-1.5 * moments)
    return np.asarray(0.1 * struck.reshape(-1), np.float32)


def speech_map(heard: Span, regions: Iterable[Span]) -> SpeechMap:
    """What a detector hears that is sure of `regions` and of nothing else."""
    middles = np.arange(heard.start + FRAME // 2, heard.stop + FRAME // 2, FRAME)
    sure = np.zeros(len(middles), np.float32)
    for region in regions:
        sure[(middles >= region.start) & (middles < region.stop)] = 1
    return SpeechMap(heard.start, heard.num_samples, sure)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def wav(*parts: Audio) -> bytes:
    """The parts one after the other as a 16 kHz mono WAV file."""
    return multichannel_wav(np.concatenate(parts) if parts else np.zeros(0, np.float32))


def multichannel_wav(*channels: Audio) -> bytes:
    """A 16 kHz WAV file with a channel for each."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
