"""Detects music in a recording, under speech too, in a few hundredths of a second per probe.

Notes hold their pitch for a while, voices do not. Continuous frequency activation (Seyerlehner et al. 2007,
"Automatic music detection in television productions") counts for each frequency how long it stands out from
its neighbours, and sums the strongest peaks of that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models import Audio, Span

WINDOW, HOP = 1024, 512  # samples
FRAMES = 80  # per block of 2.6 s
PROBE = 8 * FRAMES * HOP + HOP  # samples: 8 blocks, some 20 s
MAX_PROBES = 30
MIN_BLOCKS = 4  # needed to distinguish notes from constant tones
BAND = slice(13, 448)  # 200 Hz to 7 kHz: below are mains hum and the steady pitch of voices
NEIGHBOURS = 21  # bins averaged over
MARGIN = 1.0  # dB above the average from which a frequency stands out
PEAKS = 5
MUSIC_THRESHOLD = 1.7  # score; the lowest tried that no probe of clean speech or of noise reached
MIN_SHARE = 1 / 3  # of the probes that must be musical: a jingle is not worth separating

Activations = npt.NDArray[np.float64]


def probes(num_samples: int) -> list[Span]:
    """Spans to analyse, spread evenly; they cover nearly all of up to ten minutes."""
    count = min(MAX_PROBES, max(1, num_samples // PROBE))
    last = max(0, num_samples - PROBE)
    starts = [last * number // max(1, count - 1) for number in range(count)]
    return [Span(start, min(start + PROBE, num_samples)) for start in starts]


def is_musical(scores: Sequence[float]) -> bool:
    """Whether a recording with these probe scores contains music."""
    return sum(score > MUSIC_THRESHOLD for score in scores) >= MIN_SHARE * len(scores)


def music_score(audio: Audio) -> float:
    """How musical a probe is, 0 to 5; 0 if it is shorter than ten seconds."""
    activations = _activations(audio)
    if len(activations) < MIN_BLOCKS:
        return 0.0
    constant = activations.min(axis=0)  # fans and mains hum hold one tone, music changes its own
    return float(np.median([_peak_sum(activation) for activation in activations - constant]))


def _activations(audio: Audio) -> Activations:
    """(blocks, frequencies) share of the frames of a block in which a frequency stands out."""
    blocks = (len(audio) - WINDOW + HOP) // (HOP * FRAMES)
    if blocks < 1:
        return np.zeros((0, 0))
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP][: blocks * FRAMES]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1))
    decibels = 20 * np.log10(spectrum + 1e-4)  # below 16-bit quantisation noise
    stands_out = decibels - _smoothed(decibels) > MARGIN
    return np.asarray(stands_out[:, BAND].reshape(blocks, FRAMES, -1).mean(axis=1))


def _smoothed(rows: Activations) -> Activations:
    """Running mean over `NEIGHBOURS` columns."""
    half = NEIGHBOURS // 2
    sums = np.pad(rows, ((0, 0), (half + 1, half)), "edge").cumsum(axis=1)
    return np.asarray(sums[:, NEIGHBOURS:] - sums[:, :-NEIGHBOURS]) / NEIGHBOURS


def _peak_sum(activation: Activations) -> float:
    """Sum of the strongest peaks, each measured from the higher of its adjacent valleys."""
    values = activation[np.append(np.flatnonzero(np.diff(activation)), -1)]  # one value per plateau
    rises = np.diff(values) > 0
    turns = np.flatnonzero(rises[1:] != rises[:-1]) + 1
    extremes = np.concatenate([values[:1], values[turns], values[-1:]])
    heights = extremes[1:-1] - np.maximum(extremes[:-2], extremes[2:])  # negative for valleys
    return float(np.sort(heights)[-PEAKS:].clip(0).sum())
