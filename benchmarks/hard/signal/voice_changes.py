"""One voice made to sound different: whispering, falsetto, a cold, laughter. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from models import SAMPLE_RATE, Audio

FRAME, STEP = 512, 128  # samples
ORDER = 18  # of the linear prediction
WINDOW = np.hanning(FRAME)
REGULARISATION = 1e-4  # of the power; keeps the filter stable in silence
STRETCH_FRAME, STRETCH_SEARCH = 640, 160  # samples
WHISPER_TILT = 0.85  # of the pre-emphasis: a whisper lacks low frequencies
LAUGHS_PER_SECOND = 4.8

Change = Callable[[Audio], Audio]


def whisper(samples: Audio) -> Audio:
    """The vocal tract kept (linear prediction), the vocal folds replaced by white noise."""
    noise = np.random.default_rng(len(samples)).standard_normal(len(samples))
    tilted = np.append(samples[:1], samples[1:] - WHISPER_TILT * samples[:-1])
    return _filtered(noise, np.asarray(tilted, np.float32), whole_power=True)


def shift_pitch(samples: Audio, factor: float) -> Audio:
    """A voice `factor` times as high in a vocal tract of the same size."""
    return _filtered(shift_voice(_residual(samples), factor), samples)


def shift_voice(samples: Audio, factor: float) -> Audio:
    """Everything `factor` times as high, as of a smaller or larger person, in the same time."""
    up = resample_poly(samples, 100, round(100 * factor))
    return _stretch(np.asarray(up, np.float32), len(samples))


def falsetto(samples: Audio) -> Audio:
    return shift_pitch(samples, 1.6)


def lower(samples: Audio) -> Audio:
    return shift_voice(samples, 0.86)


def higher(samples: Audio) -> Audio:
    return shift_voice(samples, 1.16)


def cold(samples: Audio) -> Audio:
    """A blocked nose: little above 2 kHz, more around 300 Hz, and a slightly lower voice."""
    low = sosfilt(butter(2, 1800, "lowpass", fs=SAMPLE_RATE, output="sos"), samples)
    nasal = sosfilt(butter(1, (220, 400), "bandpass", fs=SAMPLE_RATE, output="sos"), samples)
    return shift_pitch(np.asarray(0.2 * samples + low + 0.8 * nasal, np.float32), 0.92)


def laughing(samples: Audio) -> Audio:
    """Speech in bursts, higher, as of someone who laughs while speaking."""
    times = np.arange(len(samples)) / SAMPLE_RATE
    bursts = 0.3 + 0.7 * np.clip(0.5 + 0.9 * np.sin(2 * np.pi * LAUGHS_PER_SECOND * times), 0, 1)
    return np.asarray(shift_pitch(samples, 1.25) * bursts, np.float32)


CHANGES: dict[str, Change] = {
    "lower": lower,
    "higher": higher,
    "falsetto": falsetto,
    "cold": cold,
    "laughing": laughing,
    "whisper": whisper,
}


def _filtered(excitation: np.ndarray, envelope_of: Audio, *, whole_power: bool = False) -> Audio:
    """`excitation` through the frame-wise all-pole filters of `envelope_of`, overlapped and added; at the
    power of each frame if `whole_power`."""
    padded = np.pad(np.asarray(excitation[: len(envelope_of)], np.float64), (FRAME, 2 * FRAME))
    source = np.pad(envelope_of.astype(np.float64), (FRAME, 2 * FRAME))
    output = np.zeros(len(source))
    for start in range(0, len(source) - FRAME, STEP):
        frame = source[start : start + FRAME] * WINDOW
        made = lfilter([1.0], _prediction(frame), padded[start : start + FRAME] * WINDOW)
        if whole_power:
            made *= np.sqrt(np.sum(frame**2) / max(np.sum(made**2), 1e-12))
        output[start : start + FRAME] += made * WINDOW
    output *= STEP / np.sum(WINDOW**2)
    return np.asarray(output[FRAME : FRAME + len(envelope_of)], np.float32)


def _residual(samples: Audio) -> Audio:
    padded = np.pad(samples.astype(np.float64), (FRAME, 2 * FRAME))
    output = np.zeros(len(padded))
    for start in range(0, len(padded) - FRAME, STEP):
        frame = padded[start : start + FRAME] * WINDOW
        output[start : start + FRAME] += lfilter(_prediction(frame), [1.0], frame) * WINDOW
    output *= STEP / np.sum(WINDOW**2)
    return np.asarray(output[FRAME : FRAME + len(samples)], np.float32)


def _prediction(frame: np.ndarray) -> np.ndarray:
    """Coefficients of the inverse filter (autocorrelation method)."""
    spectrum = np.abs(np.fft.rfft(frame, 2 * FRAME)) ** 2
    correlation = np.fft.irfft(spectrum)[: ORDER + 1]
    correlation[0] = correlation[0] * (1 + REGULARISATION) + 1e-9
    return np.concatenate(([1.0], -solve_toeplitz(correlation[:-1], correlation[1:])))


def _stretch(samples: Audio, length: int) -> Audio:
    """`samples` in `length` samples at the same pitch: frames overlapped where they fit best (WSOLA, Verhelst
    and Roelands 1993)."""
    half = STRETCH_FRAME // 2
    window = np.hanning(STRETCH_FRAME + 1)[:-1]
    padded = np.pad(samples.astype(np.float64), (STRETCH_SEARCH, STRETCH_FRAME + 2 * STRETCH_SEARCH))
    output = np.zeros(length + STRETCH_FRAME)
    follow = padded[STRETCH_SEARCH : STRETCH_SEARCH + half]
    for start in range(0, length, half):
        ideal = round(start * len(samples) / length)
        region = padded[ideal : ideal + half + 2 * STRETCH_SEARCH]
        best = ideal + int(np.argmax(np.correlate(region, follow))) if len(region) >= half else ideal
        frame = padded[best : best + STRETCH_FRAME]
        output[start : start + len(frame)] += frame * window[: len(frame)]
        follow = padded[best + half : best + 2 * half]
        follow = np.pad(follow, (0, half - len(follow)))
    return np.asarray(output[:length], np.float32)
