"""Audio files in and samples out, through PyAV, which carries its own FFmpeg."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, groupby
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from exceptions import InvalidAudioError, UploadTooLargeError
from models import SAMPLE_RATE, Audio, AudioClip, Span

BYTES_PER_SAMPLE = 2  # s16le
SHORTEST_SAMPLES = SAMPLE_RATE // 10  # the hosted API refuses less than 0.1 s
BLOCK_SAMPLES = 10 * SAMPLE_RATE

# Containers that hold their own media. Playlists (hls, dash, concat, sdp) are left out: they name other
# files and addresses, and a hostile upload must not make the server open those.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,gsm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,mpc,mpc8,ogg,opus,rm,tta,voc,w64,wav,wv,xwma"
)

Pcm = npt.NDArray[np.int16]


def decode(source: Path, target: Path, max_samples: int, stopped: Callable[[], bool]) -> AudioClip:
    """Decode the first audio stream of `source` into `target`, block by block, until `stopped()`.

    Raises InvalidAudioError, UploadTooLargeError (over `max_samples`), OSError (the disk is full).
    """
    total = 0
    with target.open("wb") as out:
        for block in decoded_blocks(source):
            total += len(block)
            if total > max_samples:
                raise UploadTooLargeError(
                    f"The recording is longer than {max_samples / SAMPLE_RATE / 3600:g} hours; split it."
                )
            out.write(block.tobytes())
            if stopped():
                break
    if total < SHORTEST_SAMPLES:
        raise InvalidAudioError("The audio is too short: it must hold at least 0.1 seconds.")
    return AudioClip(target, total)


def decoded_blocks(source: Path) -> Iterator[Pcm]:
    """16 kHz mono blocks of a file. Damaged packets are skipped, as players do.

    Raises InvalidAudioError when it is no audio at all.
    """
    try:
        options = {"format_whitelist": CONTAINERS}
        with source.open("rb") as file, av.open(file, "r", options=options) as container:
            yield from _gather(_resampled(container))
    except av.error.FFmpegError as error:
        raise InvalidAudioError(
            "The file could not be decoded as audio. Send flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm."
        ) from error


def _resampled(container: InputContainer) -> Iterator[Pcm]:
    if not container.streams.audio:
        raise InvalidAudioError("The file holds no audio stream.")
    frames = _frames(container)
    for _, alike in groupby(frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)  # bound to one input format
        for frame in chain(alike, [None]):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray()[0]


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            frame.pts = None  # the resampler would fill jumps in the time stamps with nothing
            yield frame


def _gather(frames: Iterator[Pcm]) -> Iterator[Pcm]:
    held: list[Pcm] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += len(frame)
        if count >= BLOCK_SAMPLES:
            yield np.concatenate(held)
            held, count = [], 0
    if held:
        yield np.concatenate(held)


def read_samples(clip: AudioClip, span: Span) -> Audio:
    """The samples of `span`. Read, not mapped: mapped pages of a day-long clip would count as memory."""
    pcm = np.fromfile(clip.path, "<i2", count=span.num_samples, offset=span.start * BYTES_PER_SAMPLE)
    return pcm.astype(np.float32) / np.float32(32768)
