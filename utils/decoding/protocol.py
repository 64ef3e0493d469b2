"""What the server and a decoding process say to each other: JSON and raw samples, never pickles, since the
process works on a hostile file."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from exceptions import InvalidAudioError, InvalidRequestError, TranscriptionServerError
from utils.audio_utils import Samples, SoundFormat
from utils.decoding.tracks import TrackChoice

HEADER = struct.Struct("<BBI")  # kind, channels, bytes that follow
MAX_BYTES = 1 << 26  # in one message
NEXT = b"1"  # asks for one more message


class Kind(IntEnum):
    STARTED = 1  # JSON: null; the request is read
    OPENED = 2  # JSON: the samples that the container declares
    BLOCK = 3  # samples, channel after channel
    END = 4  # JSON: the report
    ERROR = 5  # JSON: message, param


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    target: SoundFormat
    choice: TrackChoice

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_bytes(cls, line: bytes) -> DecodeRequest:
        fields = json.loads(line)
        return cls(SoundFormat(**fields["target"]), TrackChoice(**fields["choice"]))


def send_json(connection: socket.socket, kind: Kind, body: object) -> None:
    content = json.dumps(body).encode()
    connection.sendall(HEADER.pack(kind, 0, len(content)) + content)


def send_block(connection: socket.socket, block: Samples) -> None:
    connection.sendall(HEADER.pack(Kind.BLOCK, len(block), block.nbytes))
    connection.sendall(np.ascontiguousarray(block).data)


def send_error(connection: socket.socket, error: TranscriptionServerError) -> None:
    send_json(connection, Kind.ERROR, {"message": error.message, "param": error.param})


def error_of(body: dict[str, Any]) -> TranscriptionServerError:
    """The error that the process sent."""
    if body["param"] == "file":
        return InvalidAudioError(body["message"])
    return InvalidRequestError(body["message"], param=body["param"])


def block_of(channels: int, content: bytes | bytearray, target: SoundFormat) -> Samples:
    """The (channels, n) samples of a message. Raises ValueError if they do not fit the target."""
    if channels != (target.channels or channels) or not channels:
        raise ValueError(f"{channels} channels")
    dtype = np.int16 if target.is_integer else np.float32
    return np.frombuffer(content, dtype).reshape(channels, -1)
