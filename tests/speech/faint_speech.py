"""Faint and unvoiced speech, made from recordings of ordinary speech."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.sounds import noise
from models import SAMPLE_RATE, Audio

FRAME, HOP = 400, 100
ENVELOPE = 30  # cepstral coefficients
DULL = 700  # Hz; whispered vowels have little below
FLATTENING = 0.4  # of the log spectrum: whispered vowels are hardly louder than consonants


def whispered(audio: Audio) -> Audio:
    """The spectral envelope of `audio` on noise instead of a voice (a vocoder)."""
    window = np.hanning(FRAME + 1)[:-1]
    frames, carrier = _spectra(audio, window), _spectra(noise(len(audio) / SAMPLE_RATE, 0, 0, seed=0), window)
    cepstrum = np.fft.irfft(np.log(np.abs(frames) + 1e-4))
    cepstrum[:, ENVELOPE:-ENVELOPE] = 0
    envelope = np.exp(np.fft.rfft(cepstrum).real)
    loudness = np.sqrt(np.mean(envelope**2, axis=1, keepdims=True))
    envelope *= (loudness / loudness.max()) ** -FLATTENING
    envelope[:, np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE) < DULL] *= 0.1
    voiceless = np.zeros(len(audio))
    for start, frame in zip(range(0, len(audio), HOP), np.fft.irfft(carrier * envelope), strict=False):
        voiceless[start : start + FRAME] += frame * window
    return voiceless.astype(np.float32)


def at_level(audio: Audio, level: float, distance: float) -> Audio:
    """With a root mean square `level` in dB of full scale, over pink noise `distance` dB below."""
    power = np.sqrt(np.mean(audio**2))
    hiss = noise(len(audio) / SAMPLE_RATE, 1, level - distance, seed=1)
    return np.asarray(audio / power * 10 ** (level / 20) + hiss, np.float32)


def _spectra(sound: Audio, window: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    return np.asarray(np.fft.rfft(frames * window))
