"""Audio files in and samples out, through PyAV, which carries its own FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from exceptions import InvalidAudioError, UploadTooLargeError
from models import SAMPLE_RATE, Audio, AudioClip, Span

BYTES_PER_SAMPLE = 2  # s16le
SHORTEST_SAMPLES = SAMPLE_RATE // 10  # the hosted API refuses less than 0.1 s
BLOCK_SECONDS = 10
MAX_CHANNELS = 8  # that are taken apart; any number is mixed

# A frame is resampled whole: at 1 Hz a few kilobytes of FLAC would become gigabytes. From here a frame of
# 65,535 samples, the most FLAC allows, is at most 16 s.
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000

# Containers that hold their own media. Playlists (hls, dash, concat, sdp) are left out: they name other
# files and addresses, and a hostile upload must not make the server open those.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,gsm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,mpc,mpc8,ogg,opus,rm,tta,voc,w64,wav,wv,xwma"
)

Samples = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """What decoded sound shall look like, in FFmpeg's names. None for `channels` takes those that there are;
    then the format may not be planar, since PyAV crashes on planes from the eighth."""

    sample_format: str
    channels: int | None
    rate: int


CLIP_FORMAT = SoundFormat("s16p", 1, SAMPLE_RATE)
LAYOUTS = {1: "mono", 2: "stereo"}


class Decoder:
    """Decodes the first audio stream of `source` into `target`, a block a step."""

    def __init__(self, source: Path, target: Path, max_samples: int) -> None:
        self._blocks = decoded_blocks(source)
        self._target = target
        self._max_samples = max_samples
        self._num_samples = 0
        target.write_bytes(b"")

    @property
    def so_far(self) -> AudioClip:
        return AudioClip(self._target, self._num_samples)

    def step(self) -> AudioClip | None:
        """Decode one block more; the clip once there are none.

        Raises InvalidAudioError, UploadTooLargeError, OSError (the disk is full).
        """
        block = next(self._blocks, None)
        if block is None:
            if self._num_samples < SHORTEST_SAMPLES:
                raise InvalidAudioError("The audio is too short: it must hold at least 0.1 seconds.")
            return self.so_far
        self._num_samples += block.shape[1]
        check_length(self._num_samples, self._max_samples)
        with self._target.open("ab") as out:
            out.write(block.tobytes())
        return None


def check_length(num_samples: int, max_samples: int) -> None:
    """Raises UploadTooLargeError."""
    if num_samples > max_samples:
        hours = max_samples / SAMPLE_RATE / 3600
        raise UploadTooLargeError(f"The recording is longer than {hours:g} hours; split it.")


def decoded_blocks(source: Path, wanted: SoundFormat = CLIP_FORMAT) -> Iterator[Samples]:
    """(channels, n) blocks of a file, some ten seconds each. Damaged packets are skipped, as players do.

    Raises InvalidAudioError when it is no audio at all.
    """
    with _opened(source) as container:
        yield from _gather(_resampled(container, wanted), BLOCK_SECONDS * wanted.rate)


def claimed_samples(source: Path) -> int:
    """How long its container says a recording is; 0 where it does not say. Raises InvalidAudioError."""
    with _opened(source) as container:
        return max(0, (container.duration or 0) * SAMPLE_RATE // av.time_base)


@contextmanager
def _opened(source: Path) -> Iterator[InputContainer]:
    try:
        options = {"format_whitelist": CONTAINERS}
        with source.open("rb") as file, av.open(file, "r", options=options) as container:
            yield container
    except av.error.FFmpegError as error:
        raise InvalidAudioError(
            "The file could not be decoded as audio. Send flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm."
        ) from error


def _resampled(container: InputContainer, wanted: SoundFormat) -> Iterator[Samples]:
    if not container.streams.audio:
        raise InvalidAudioError("The file holds no audio stream.")
    frames, width = _frames(container), wanted.channels
    for _, alike in groupby(frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.rate)):
        first = next(alike)
        there = first.layout.nb_channels
        width = width or there
        if wanted.channels is None and not width == there <= MAX_CHANNELS:
            raise InvalidAudioError(f"The recording has {there} channels, or not the same number throughout.")
        # FFmpeg would lower a single channel by 3 dB in each of two, so it is copied below instead.
        layout = first.layout.name if width == there else LAYOUTS[min(width, there)]
        # A resampler is bound to the format of its first frame.
        resampler = AudioResampler(wanted.sample_format, layout, wanted.rate)
        for frame in chain([first], alike, [None]):
            for resampled in resampler.resample(frame):
                block = resampled.to_ndarray()
                if not resampled.format.is_planar:
                    block = block.reshape(-1, width).T
                yield np.broadcast_to(block, (width, block.shape[1]))


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if not LOWEST_RATE <= frame.sample_rate <= HIGHEST_RATE:
                raise InvalidAudioError(f"{frame.sample_rate} Hz is no sample rate of a recording.")
            frame.pts = None  # the resampler would fill jumps in the time stamps with nothing
            yield frame


def _gather(frames: Iterator[Samples], at_least: int) -> Iterator[Samples]:
    held: list[Samples] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += frame.shape[1]
        if count >= at_least:
            yield np.concatenate(held, axis=1)
            held, count = [], 0
    if held:
        yield np.concatenate(held, axis=1)


def read_samples(clip: AudioClip, span: Span) -> Audio:
    """The samples of `span`. Read, not mapped: mapped pages of a day-long clip would count as memory."""
    pcm = np.fromfile(clip.path, "<i2", count=span.num_samples, offset=span.start * BYTES_PER_SAMPLE)
    return as_audio(pcm)


def as_audio(pcm: Samples) -> Audio:
    """Signed 16-bit samples as numbers in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(32768)


class ClipWriter:
    """Writes sound of any rate as a clip of exactly `num_samples`, a block at a time: what is too much is
    dropped, what is missing is silent."""

    def __init__(self, target: Path, rate: int, num_samples: int) -> None:
        self._target = target
        self._rate = rate
        self._num_samples = num_samples
        self._resampler = AudioResampler(CLIP_FORMAT.sample_format, LAYOUTS[1], SAMPLE_RATE)
        target.write_bytes(b"")

    def write(self, block: npt.NDArray[np.float32]) -> None:
        """Append the mean of the channels of a (channels, n) block. Raises OSError (the disk is full)."""
        if block.shape[1]:
            frame = av.AudioFrame.from_ndarray(block.mean(axis=0, keepdims=True), "fltp", LAYOUTS[1])
            frame.sample_rate = self._rate
            self._append(frame)

    def finish(self) -> AudioClip:
        self._append(None)
        with self._target.open("r+b") as out:
            out.truncate(self._num_samples * BYTES_PER_SAMPLE)
        return AudioClip(self._target, self._num_samples)

    def _append(self, frame: av.AudioFrame | None) -> None:
        with self._target.open("ab") as out:
            for resampled in self._resampler.resample(frame):
                out.write(resampled.to_ndarray().tobytes())
