"""Files whose clock is not simply the number of their samples: late sound, holes, edits, odd starts."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from av.packet import Packet

from benchmarks.files.bombs.isobmff import replaced, table
from benchmarks.files.encoding import Retime, encode
from benchmarks.files.pairs import SPECIAL, Pair
from benchmarks.files.recordings import Recording, cut
from models import SAMPLE_RATE

TAKES = 3
LATE, HOLE_AT, HOLE, START, TRIMMED = 4.0, 5.0, 10.0, 30.0, 1.0  # seconds
JITTER = 0.004  # seconds, less than half of any frame here
MEDIA_RATE = 1 << 16  # of an edit: normal speed

SOUND_ALONE = (
    Pair("mp4", "aac", 44_100),
    Pair("mov", "aac", 44_100),
    Pair("webm", "libopus", 48_000),
    Pair("matroska", "aac", 44_100),
    Pair("matroska", "mp3", 44_100),
    Pair("mpegts", "aac", 48_000),
    Pair("mpegts", "mp2", 48_000),
    Pair("flv", "aac", 44_100),
    Pair("flv", "mp3", 44_100),
)
WITH_PICTURES = tuple(
    pair
    for pair in SPECIAL
    if pair.video and pair.container in {"mp4", "mov", "matroska", "mpegts", "flv", "webm"}
)


def timelines() -> Iterator[Recording]:
    for pair in WITH_PICTURES:
        yield from _retimed("sound 4 s after the picture", pair, LATE, late_sound)
        yield from _retimed("a hole of 10 s in the sound", pair, HOLE, hole_in_sound)
    for pair in SOUND_ALONE:
        yield from _retimed("a hole of 10 s", pair, HOLE, hole)
        yield from _retimed("starts at 30 s", pair, 0.0, late_start)
        yield from _retimed("stamps off by up to 4 ms", pair, 0.0, jitter)
    yield from _edited()


def _retimed(kind: str, pair: Pair, longer: float, retime: Retime) -> Iterator[Recording]:
    name = f"{kind}, {pair.name}"
    for take in range(TAKES):
        speech = cut(Random(f"{name}:{take}"))
        seconds = len(speech) / SAMPLE_RATE + longer
        yield Recording(
            name, f"{name} {take}", encode(speech, pair, retime=retime), seconds, bool(pair.video)
        )


def _edited() -> Iterator[Recording]:
    """An edit list that leaves out the first second of the recording, as phones write it after trimming."""
    pair, rate = Pair("mp4", "aac", 44_100), 44_100
    for take in range(TAKES):
        speech = cut(Random(take))
        seconds = len(speech) / SAMPLE_RATE - TRIMMED
        edit = (round(1000 * seconds), round(TRIMMED * rate), MEDIA_RATE)
        data = replaced(encode(speech, pair), b"elst", table(edit))
        yield Recording("first second edited out", f"first second edited out {take}", data, seconds)


def late_sound(packet: Packet[Any]) -> float:
    return LATE if _is_sound(packet) else 0.0


def late_start(packet: Packet[Any]) -> float:  # noqa: ARG001 (the same for every packet)
    return START


def hole(packet: Packet[Any]) -> float:
    return HOLE if (packet.pts or 0) * packet.time_base >= HOLE_AT else 0.0


def hole_in_sound(packet: Packet[Any]) -> float:
    return hole(packet) if _is_sound(packet) else 0.0


def jitter(packet: Packet[Any]) -> float:
    return Random(packet.pts or 0).uniform(0, JITTER)


def _is_sound(packet: Packet[Any]) -> bool:
    return bool(packet.stream.type == "audio")
