"""Decodes and resamples audio through PyAV, which bundles its own FFmpeg."""

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
MIN_SAMPLES = SAMPLE_RATE // 10  # the hosted API rejects less than 0.1 s
BLOCK_SECONDS = 10
MAX_CHANNELS = 8  # when they are split; a downmix takes any number

# A frame is resampled whole: at 1 Hz a few kilobytes of FLAC would become gigabytes. From MIN_RATE on, a
# frame of 65,535 samples, the FLAC maximum, lasts about 16 s.
MIN_RATE, MAX_RATE = 4_000, 768_000

# Self-contained formats. Playlists (hls, dash, concat, sdp) are left out: they name other files and
# addresses, and a hostile upload must not make the server open those.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,gsm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,mpc,mpc8,ogg,opus,rm,tta,voc,w64,wav,wv,xwma"
)

Samples = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """A target format, in FFmpeg's names. `channels` None keeps those of the source; the sample format must
    then be packed, since PyAV crashes on planar data from the eighth plane on."""

    sample_format: str
    channels: int | None
    rate: int


CLIP_FORMAT = SoundFormat("s16p", 1, SAMPLE_RATE)
LAYOUTS = {1: "mono", 2: "stereo"}


class Decoder:
    """Decodes the first audio stream of `source` into `target`, one block per step."""

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
        """Decode one more block; returns the clip once none are left.

        Raises InvalidAudioError, UploadTooLargeError, OSError (the disk is full).
        """
        block = next(self._blocks, None)
        if block is None:
            if self._num_samples < MIN_SAMPLES:
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


def decoded_blocks(source: Path, target: SoundFormat = CLIP_FORMAT) -> Iterator[Samples]:
    """(channels, n) blocks of a file, about ten seconds each. Damaged packets are skipped, as players do.

    Raises InvalidAudioError when the file cannot be decoded as audio.
    """
    with _opened(source) as container:
        yield from _gather(_resampled(container, target), BLOCK_SECONDS * target.rate)


def claimed_samples(source: Path) -> int:
    """The length that the container declares, 0 if it declares none. Raises InvalidAudioError."""
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


def _resampled(container: InputContainer, target: SoundFormat) -> Iterator[Samples]:
    if not container.streams.audio:
        raise InvalidAudioError("The file has no audio stream.")
    frames, num_channels = _frames(container), target.channels
    for _, same_format in groupby(
        frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.rate)
    ):
        first = next(same_format)
        source_channels = first.layout.nb_channels
        num_channels = num_channels or source_channels
        if target.channels is None and not num_channels == source_channels <= MAX_CHANNELS:
            raise InvalidAudioError(f"The recording has {source_channels} channels, or their number changes.")
        # FFmpeg would attenuate mono by 3 dB in each channel of stereo, so mono is broadcast below instead.
        layout = (
            first.layout.name
            if num_channels == source_channels
            else LAYOUTS[min(num_channels, source_channels)]
        )
        # A resampler is bound to the format of its first frame.
        resampler = AudioResampler(target.sample_format, layout, target.rate)
        for frame in chain([first], same_format, [None]):
            for resampled in resampler.resample(frame):
                block = resampled.to_ndarray()
                if not resampled.format.is_planar:
                    block = block.reshape(-1, num_channels).T
                yield np.broadcast_to(block, (num_channels, block.shape[1]))


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if not MIN_RATE <= frame.sample_rate <= MAX_RATE:
                raise InvalidAudioError(f"A sample rate of {frame.sample_rate} Hz is not supported.")
            frame.pts = None  # else the resampler would fill gaps in the timestamps with silence
            yield frame


def _gather(frames: Iterator[Samples], min_samples: int) -> Iterator[Samples]:
    pending: list[Samples] = []
    count = 0
    for frame in frames:
        pending.append(frame)
        count += frame.shape[1]
        if count >= min_samples:
            yield np.concatenate(pending, axis=1)
            pending, count = [], 0
    if pending:
        yield np.concatenate(pending, axis=1)


def read_samples(clip: AudioClip, span: Span) -> Audio:
    """The samples of `span`. Not memory-mapped: mapped pages of a day-long clip would count as memory."""
    pcm = np.fromfile(clip.path, "<i2", count=span.num_samples, offset=span.start * BYTES_PER_SAMPLE)
    return as_audio(pcm)


def as_audio(pcm: Samples) -> Audio:
    """Signed 16-bit samples as floats in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(32768)


class ClipWriter:
    """Writes audio of any sample rate as a clip of exactly `num_samples`, block by block: an excess is
    dropped, a shortfall padded with silence."""

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
