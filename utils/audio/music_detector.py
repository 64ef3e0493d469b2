"""Whether there is music in a recording, under speech too, in a few hundredths of a second a probe.

Notes stand still for a while and a voice does not. Continuous frequency activation (Seyerlehner et al. 2007,
"Automatic music detection in television productions") counts for each frequency how long it sticks out from
its neighbours, and adds up the strongest peaks of that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models import Audio, Span

WINDOW, HOP = 1024, 512  # samples
FRAMES = 80  # in a block of 2.6 s
PROBE = 8 * FRAMES * HOP + HOP  # samples: 8 blocks, some 20 s
MOST_PROBES = 30
FEWEST_BLOCKS = 4  # to tell what stands still for a while from what never changes
BAND = slice(13, 448)  # 200 Hz to 7 kHz: below is the hum of the mains, and voices hold their pitch there
NEIGHBOURS = 21  # bins averaged over
MARGIN = 1.0  # dB over the average that stick out
PEAKS = 5
MUSICAL = 1.7  # score; the lowest tried that no probe of clean speech or of noise reached
SHARE = 1 / 3  # of the probes that must be musical: a jingle is not worth it

Activations = npt.NDArray[np.float64]


def probes(num_samples: int) -> list[Span]:
    """Spans to listen to, spread evenly; of up to ten minutes nearly everything."""
    count = min(MOST_PROBES, max(1, num_samples // PROBE))
    last = max(0, num_samples - PROBE)
    starts = [last * number // max(1, count - 1) for number in range(count)]
    return [Span(start, min(start + PROBE, num_samples)) for start in starts]


def is_musical(scores: Sequence[float]) -> bool:
    """Whether the probes with these scores come from a recording with music."""
    return sum(score > MUSICAL for score in scores) >= SHARE * len(scores)


def music_score(audio: Audio) -> float:
    """How musical a probe is, 0 to 5; 0 where it is shorter than ten seconds."""
    activations = _activations(audio)
    if len(activations) < FEWEST_BLOCKS:
        return 0.0
    constant = activations.min(axis=0)  # fans and mains hold one note for ever, music changes its own
    return float(np.median([_peak_sum(activation) for activation in activations - constant]))


def _activations(audio: Audio) -> Activations:
    """(blocks, frequencies) share of the frames of a block in which a frequency sticks out."""
    blocks = (len(audio) - WINDOW + HOP) // (HOP * FRAMES)
    if blocks < 1:
        return np.zeros((0, 0))
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP][: blocks * FRAMES]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1))
    decibels = 20 * np.log10(spectrum + 1e-4)  # the rounding to 16 bits lies above
    sticks_out = decibels - _smoothed(decibels) > MARGIN
    return np.asarray(sticks_out[:, BAND].reshape(blocks, FRAMES, -1).mean(axis=1))


def _smoothed(rows: Activations) -> Activations:
    """Running mean over `NEIGHBOURS` columns."""
    half = NEIGHBOURS // 2
    sums = np.pad(rows, ((0, 0), (half + 1, half)), "edge").cumsum(axis=1)
    return np.asarray(sums[:, NEIGHBOURS:] - sums[:, :-NEIGHBOURS]) / NEIGHBOURS


def _peak_sum(activation: Activations) -> float:
    """The strongest peaks, each measured from the higher of the valleys beside it."""
    values = activation[np.append(np.flatnonzero(np.diff(activation)), -1)]  # one of every level stretch
    rises = np.diff(values) > 0
    turns = np.flatnonzero(rises[1:] != rises[:-1]) + 1
    extremes = np.concatenate([values[:1], values[turns], values[-1:]])
    heights = extremes[1:-1] - np.maximum(extremes[:-2], extremes[2:])  # negative for valleys
    return float(np.sort(heights)[-PEAKS:].clip(0).sum())
