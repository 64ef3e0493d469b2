"""Decodes an audio file of any kind in blocks, on the recording's own clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from exceptions import InvalidAudioError
from utils.audio_utils import CLIP_FORMAT, Samples, SoundFormat
from utils.decoding.container import first_time, opened, tracks_of
from utils.decoding.frames import DecodeReport, FrameReader
from utils.decoding.mixing import Floats, StereoMixer, as_16_bits, within_full_scale
from utils.decoding.parts import MAX_PARTS, next_part, wav_options
from utils.decoding.resampling import Resampler
from utils.decoding.timeline import SECOND, Timeline
from utils.decoding.tracks import ANY_TRACK, Track, TrackChoice, preferred

BLOCK_SECONDS = 10
STEP_SECONDS = 0.5  # of processor time, after which a block is as long as it is
PROBED_SECONDS = 180  # of each of several tracks, to find one with sound
SILENCE = 1e-4  # of full scale, -80 dB
UNCLAIMED = 3600 * SECOND  # up to where gaps are filled if the container declares no length

# A file may decode to FREE_SECONDS and a second for each DECODED_BYTES besides: speech takes some hundred
# bytes a second at the very least, and a few bytes must not become days. Gaps, which take no bytes, are
# filled to where FILLED_BYTES allow it: a muted participant may be silent for most of a call.
FREE_SECONDS, DECODED_BYTES, FILLED_BYTES = 600, 64, 16


def decoded_blocks(
    source: Path, target: SoundFormat = CLIP_FORMAT, choice: TrackChoice = ANY_TRACK
) -> Iterator[Samples]:
    """(channels, n) blocks of a file, up to about ten seconds each.

    Raises InvalidAudioError when nothing in it can be decoded as audio, InvalidRequestError for a track that
    it does not have.
    """
    with source.open("rb") as file:
        yield from Decoding(file, target, choice).blocks()


class Decoding:
    """One pass over a file: open it, then take its blocks."""

    def __init__(self, file: BinaryIO, target: SoundFormat, choice: TrackChoice = ANY_TRACK) -> None:
        """Raises InvalidAudioError, InvalidRequestError."""
        self._file = file
        self._target = target
        self._size = os.fstat(file.fileno()).st_size
        self._resampler = Resampler(target)
        self.report = DecodeReport()
        self._open = ExitStack()
        self._options = wav_options(file)
        self._container, self._origin = self._opened_part(0)
        tracks = preferred(tracks_of(self._container), choice)
        self._track = tracks[0]
        if len(tracks) > 1:
            self._track = self._first_with_sound(tracks)
            if self._track is not tracks[0]:
                self.report.alternative = tracks[0].number, self._track.number
            self._container = self._opened(0)

    @property
    def seconds_decoded(self) -> float:
        """So far, without the gaps that were filled."""
        return self._resampler.time / SECOND - self._resampler.seconds_filled

    @property
    def claimed_samples(self) -> int:
        """The length that the container declares, at the target's rate; 0 if it declares none."""
        return max(0, (self._container.duration or 0) * self._target.rate // SECOND)

    def blocks(self) -> Iterator[Samples]:
        """(channels, n) blocks of up to about ten seconds. Raises InvalidAudioError."""
        mixer, num_samples = StereoMixer(), 0
        with self._open:
            for block in _gather(self._pieces(), BLOCK_SECONDS * self._target.rate):
                num_samples += block.shape[1]
                yield self._finished(block, mixer)
                if self.seconds_decoded > FREE_SECONDS + self._size // DECODED_BYTES:
                    self.report.end = "it holds more audio than a file of its size can"
                    break
        self.report.filled = self._resampler.seconds_filled
        if not num_samples and not self.report.is_clean:
            raise self._nothing()

    @property
    def _fillable(self) -> int:
        """Up to where gaps are filled, in microseconds."""
        return (FREE_SECONDS + self._size // FILLED_BYTES) * SECOND

    def _opened(self, start: int) -> InputContainer:
        """The recording at `start` of the file, in place of the one before."""
        self._open.close()
        return self._open.enter_context(opened(self._file, start, self._options))

    def _opened_part(self, start: int) -> tuple[InputContainer, int | None]:
        """That, and the presentation time at which it begins."""
        container = self._opened(start)
        origin = first_time(container)
        return (container, None) if origin is None else (self._opened(start), origin)

    def _first_with_sound(self, tracks: Sequence[Track]) -> Track:
        for track in tracks:
            container = self._opened(0)
            resampler, report = Resampler(self._target), DecodeReport()
            pieces = _track_pieces(container, self._origin, track, resampler, self._fillable, report)
            if _has_sound(pieces, PROBED_SECONDS * self._target.rate):
                return track
        return tracks[0]

    def _pieces(self) -> Iterator[Floats]:
        """The recording and those appended to it."""
        start = 0
        for _ in range(MAX_PARTS):
            self.report.position = 0
            yield from _track_pieces(
                self._container, self._origin, self._track, self._resampler, self._fillable, self.report
            )
            following = next_part(self._file, start + self.report.position)
            if following is None:
                return
            try:
                self._container, self._origin = self._opened_part(following)
                start = following
            except InvalidAudioError:  # it only looked like one
                return

    def _finished(self, block: Floats, mixer: StereoMixer) -> Samples:
        if self._target.channels == 1 and len(block) == 2:
            block = mixer.mono(block)
        elif self._target.channels == 2 and len(block) == 1:
            block = np.broadcast_to(block, (2, block.shape[1]))
        block = within_full_scale(block)
        return as_16_bits(block) if self._target.is_integer else block

    def _nothing(self) -> InvalidAudioError:
        if rate := self.report.refused_rate:
            return InvalidAudioError(f"A sample rate of {rate} Hz is not supported.")
        return InvalidAudioError(f"None of the file's audio ({self._track.codec}) could be decoded.")


def _track_pieces(
    container: InputContainer,
    origin: int | None,
    track: Track,
    resampler: Resampler,
    fillable: int,
    report: DecodeReport,
) -> Iterator[Floats]:
    """The rest of a track, on the clock of its container, behind what the resampler has emitted."""
    if len(container.streams.audio) < track.number:
        return
    start = resampler.time
    claimed = start + container.duration + SECOND if container.duration else start + UNCLAIMED
    timeline = Timeline[AudioFrame](origin, start, min(claimed, fillable))
    report.until = None
    reader = FrameReader(container, container.streams.audio[track.number - 1], report)
    yield from resampler.pieces(timeline.placed(reader.frames()))
    if report.until is not None:
        yield from resampler.silence_until(timeline.end_at(report.until))
    yield from resampler.finish()


def _has_sound(pieces: Iterator[Floats], num_samples: int) -> bool:
    for piece in pieces:
        if np.abs(piece).max(initial=0) > SILENCE:
            return True
        num_samples -= piece.shape[1]
        if num_samples <= 0:
            return False
    return False


def _gather(pieces: Iterator[Floats], num_samples: int) -> Iterator[Floats]:
    """Blocks of at least `num_samples`, shorter where that takes long or the number of rows changes."""
    pending: list[Floats] = []
    count, begun = 0, time.process_time()
    for piece in pieces:
        if pending and len(piece) != len(pending[0]):
            yield np.concatenate(pending, axis=1)
            pending, count = [], 0
        pending.append(piece)
        count += piece.shape[1]
        if count >= num_samples or time.process_time() - begun > STEP_SECONDS:
            yield np.concatenate(pending, axis=1)
            pending, count, begun = [], 0, time.process_time()
    if pending:
        yield np.concatenate(pending, axis=1)
