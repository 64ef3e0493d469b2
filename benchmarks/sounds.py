"""Synthetic test sounds, and writing audio as FLAC."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from models import SAMPLE_RATE, Audio

MAINS = 50  # Hz
HARMONICS = 7


def write_flac(samples: Audio, path: Path) -> Path:
    """Writes 16-bit mono FLAC; returns `path`."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.rate = SAMPLE_RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def noise(seconds: float, slope: float, level: float, seed: int) -> Audio:
    """Noise at `level` dB of full scale (root mean square), whose power falls with frequency to the power of
    `slope`: 0 is white, 1 pink, 2 brown."""
    num_samples = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(num_samples))
    frequencies = np.fft.rfftfreq(num_samples, 1 / SAMPLE_RATE)
    frequencies[0] = frequencies[1]
    return _at_level(np.fft.irfft(spectrum / frequencies ** (slope / 2), num_samples), level)


def hum(seconds: float, level: float) -> Audio:
    """Mains hum, as from a badly shielded cable, at `level` dB of full scale."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * MAINS * n * times) / n for n in range(1, HARMONICS + 1)]
    return _at_level(np.sum(tones, axis=0), level)


def _at_level(samples: np.ndarray[tuple[int], np.dtype[np.float64]], level: float) -> Audio:
    scaled = samples / np.sqrt(np.mean(samples**2)) * 10 ** (level / 20)
    return np.asarray(scaled, np.float32)
