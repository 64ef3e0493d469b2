"""Where one decoding of a recording has the words of another: short windows, found by cross-correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.files.encoding import Pcm
from models import SAMPLE_RATE

DECIMATION = 4  # speech at 4 kHz is enough to find it again
RATE = SAMPLE_RATE // DECIMATION
WINDOW = RATE  # a second
MIN_LEVEL = 0.01  # root mean square, of full scale: below, a window is silence
MIN_CORRELATION = 0.6  # below, what was found is something else, or damaged too much to tell
LOUDEST = 0.99  # of all samples: what is louder is cut to that, since clicks of damage resemble one another

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds by which each window that was found comes later; `windows` counts those with sound."""

    seconds: tuple[float, ...]
    windows: int

    @property
    def largest(self) -> float:
        return max(map(abs, self.seconds), default=0.0)


NOT_FOUND = Lags((), 0)


def lags(reference: Pcm, decoded: Pcm) -> Lags:
    """How much later `decoded` has each second of `reference`; both are mono at SAMPLE_RATE."""
    wanted = _low(reference)
    limit = float(np.quantile(np.abs(wanted), LOUDEST)) if len(wanted) else 0.0
    wanted, searched = (samples.clip(-limit, limit) for samples in (wanted, _low(decoded)))
    starts = [start for start in range(0, len(wanted) - WINDOW + 1, WINDOW) if _is_loud(wanted[start:])]
    if len(searched) < WINDOW:
        return Lags((), len(starts))
    search = _Search(searched)
    found = ((start, search.find(wanted[start : start + WINDOW])) for start in starts)
    return Lags(tuple((place - start) / RATE for start, place in found if place is not None), len(starts))


class _Search:
    """Finds windows in a recording whose spectrum and levels are computed once."""

    def __init__(self, samples: Floats) -> None:
        self._size = 1 << (len(samples) + WINDOW).bit_length()
        self._places = len(samples) - WINDOW + 1
        self._spectrum = np.fft.rfft(samples, self._size)
        energy = np.concatenate([[0.0], np.cumsum(samples**2)])
        silence = WINDOW * MIN_LEVEL**2 / 4  # keeps noise in silence from looking like anything
        self._norms = np.sqrt(np.maximum(energy[WINDOW:] - energy[:-WINDOW], silence))

    def find(self, window: Floats) -> int | None:
        """Where the window correlates best, if it does at all."""
        product = self._spectrum * np.conj(np.fft.rfft(window, self._size))
        correlation = np.fft.irfft(product, self._size)[: self._places]
        likeness = correlation / (self._norms * np.linalg.norm(window))
        best = int(np.argmax(likeness))
        return best if likeness[best] >= MIN_CORRELATION else None


def _low(pcm: Pcm) -> Floats:
    """Floats at RATE: each sample the mean of DECIMATION."""
    whole = pcm[: len(pcm) - len(pcm) % DECIMATION].astype(np.float64) / 32768
    means: Floats = whole.reshape(-1, DECIMATION).mean(axis=1)
    return means


def _is_loud(samples: Floats) -> bool:
    return bool(np.sqrt(np.mean(samples[:WINDOW] ** 2)) >= MIN_LEVEL)


def percentile(values: list[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else 0.0
