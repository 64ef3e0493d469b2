"""Live audio as clients send it to 16-bit samples at 16 kHz."""

from __future__ import annotations

from functools import cache

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from models import SAMPLE_RATE
from options import Encoding, LiveFormat

Pcm = npt.NDArray[np.int16]

LEAST = 0.096  # seconds, as long as a block of the detector


class PcmReader:
    """Decodes the pieces of one stream; a piece may end amid a sample. Small pieces are collected, since each
    call costs more than what is in it. The resampler is that of files, and holds back one millisecond."""

    def __init__(self, audio: LiveFormat) -> None:
        self._encoding = audio.encoding
        self._rate = audio.rate
        self._rest = b""
        self._least = round(LEAST * bytes_per_second(audio))
        self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE) if audio.rate != SAMPLE_RATE else None

    def read(self, piece: bytes) -> Pcm:
        """(n,) samples at 16 kHz; none while there is too little."""
        self._rest += piece
        return self.flush() if len(self._rest) >= self._least else np.empty(0, np.int16)

    def flush(self) -> Pcm:
        """What was collected."""
        if self._encoding is not Encoding.PCM:
            codes, self._rest = self._rest, b""
            return self._resampled(_table(self._encoding)[np.frombuffer(codes, np.uint8)])
        whole = len(self._rest) // 2 * 2
        samples, self._rest = self._rest[:whole], self._rest[whole:]
        return self._resampled(np.frombuffer(samples, "<i2"))

    def _resampled(self, samples: Pcm) -> Pcm:
        if self._resampler is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = self._rate
        blocks = [block.to_ndarray()[0] for block in self._resampler.resample(frame)]
        return np.concatenate(blocks) if blocks else np.empty(0, np.int16)


def bytes_per_second(audio: LiveFormat) -> int:
    return audio.rate * (2 if audio.encoding is Encoding.PCM else 1)


@cache
def _table(encoding: Encoding) -> Pcm:
    """The sample of each G.711 byte (ITU-T G.711): sign, a segment of three bits, four bits within it."""
    codes = np.arange(256)
    inverted = ~codes & 0xFF if encoding is Encoding.ULAW else codes ^ 0x55
    segment, step = inverted >> 4 & 7, inverted & 15
    if encoding is Encoding.ULAW:
        sizes = ((step << 3) + 0x84 << segment) - 0x84
        is_negative = inverted & 0x80 != 0
    else:
        sizes = np.where(segment == 0, (step << 4) + 8, (step << 4) + 0x108 << np.maximum(segment - 1, 0))
        is_negative = inverted & 0x80 == 0
    return np.where(is_negative, -sizes, sizes).astype(np.int16)
