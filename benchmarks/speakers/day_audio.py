"""Recordings of any length, built from pieces of real conversations at several levels and speeds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks.eval_set import Conversation, read_audio, read_conversations
from benchmarks.values import Turn
from models import SAMPLE_RATE, Audio

PIECE_SECONDS = 100.0
LEVELS = (-18.0, -9.0, 0.0)  # dB
SPEEDS = (0.92, 1.0, 1.1)
PAUSES = (0.5, 1.0, 2.0, 5.0, 20.0, 60.0)  # seconds
FRAME = 576  # samples in a frame of MPEG-2 audio, layer III
BIT_RATE = 32_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Independently decodable MP3 frames and the turns in them."""

    frames: bytes
    seconds: float
    turns: tuple[Turn, ...] = ()


def read_pieces(eval_dir: Path) -> list[Piece]:
    """Pieces of 100 s of the synthetic conversations, whose speakers are identified by name."""
    conversations = [item for item in read_conversations(eval_dir, with_long=False) if item.kind == "synth"]
    return [piece for conversation in conversations for piece in _pieces(conversation)]


def write_recording(path: Path, pieces: Sequence[Piece], seconds: float) -> list[Turn]:
    """Writes at least `seconds` of concatenated MP3 frames, which are a valid file; returns the turns."""
    rng = random.Random(SEED)
    pauses = [_encode(np.zeros(round(length * SAMPLE_RATE), np.float32)) for length in PAUSES]
    turns: list[Turn] = []
    at = 0.0
    with path.open("wb") as out:
        while at < seconds:
            piece = rng.choice(pieces)
            turns += [Turn(at + turn.start, at + turn.end, turn.speaker) for turn in piece.turns]
            for part in (piece, rng.choice(pauses)):
                out.write(part.frames)
                at += part.seconds
    return turns


def _pieces(conversation: Conversation) -> Iterator[Piece]:
    audio = read_audio(conversation.audio)
    lines = [line.split() for line in conversation.rttm.read_text(encoding="utf-8").splitlines()]
    reference = [Turn(float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in lines]
    length = round(PIECE_SECONDS * SAMPLE_RATE)
    for number, first in enumerate(range(0, len(audio), length)):
        level, speed = LEVELS[number % len(LEVELS)], SPEEDS[number // len(LEVELS) % len(SPEEDS)]
        begin, end = first / SAMPLE_RATE, min(first + length, len(audio)) / SAMPLE_RATE
        turns = tuple(
            Turn((max(turn.start, begin) - begin) / speed, (min(turn.end, end) - begin) / speed, turn.speaker)
            for turn in reference
            if turn.start < end and turn.end > begin
        )
        yield _encode(_perturbed(audio[first : first + length], level, speed), turns)


def _perturbed(audio: Audio, level: float, speed: float) -> Audio:
    positions = np.arange(0, len(audio) - 1, speed)
    sound = np.interp(positions, np.arange(len(audio)), audio) * 10 ** (level / 20)
    return np.asarray(sound, np.float32)


def _encode(audio: Audio, turns: tuple[Turn, ...] = ()) -> Piece:
    """Encodes without a bit reservoir, so that no frame depends on the previous one."""
    encoder = av.AudioCodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "fltp"
    encoder.bit_rate, encoder.options = BIT_RATE, {"reservoir": "0", "compression_level": "9"}
    whole = av.AudioFrame.from_ndarray(audio[None], "fltp", "mono")
    whole.sample_rate = SAMPLE_RATE
    parts = av.AudioFifo()
    parts.write(whole)
    packets = [packet for part in _drain(parts) for packet in encoder.encode(part)]
    frames = [bytes(packet) for packet in [*packets, *encoder.encode(None)]]
    return Piece(b"".join(frames), len(frames) * FRAME / SAMPLE_RATE, turns)


def _drain(parts: av.AudioFifo) -> Iterator[av.AudioFrame]:
    while part := parts.read(FRAME, partial=True):
        yield part
