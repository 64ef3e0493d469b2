from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt
import pytest

from backends.diarization.filterbank import NUM_MELS, filterbank
from models import SAMPLE_RATE, Audio
from tests.recordings import conversation


def of_kaldi(audio: Audio) -> npt.NDArray[np.float32]:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = NUM_MELS
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(SAMPLE_RATE, audio)
    extractor.input_finished()
    frames = np.stack([extractor.get_frame(index) for index in range(extractor.num_frames_ready)])
    return np.asarray(frames - frames.mean(axis=0), np.float32)


@pytest.mark.parametrize("audio", ["speech", "noise", "silence", "noise after silence", "one frame"])
def test_it_is_the_filterbank_of_kaldi(audio: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE + 123).astype(np.float32)
    samples = {
        "speech": conversation("dialogue").samples[: 10 * SAMPLE_RATE],
        "noise": noise,
        "silence": np.zeros(5000, np.float32),
        "noise after silence": np.r_[np.zeros(8000, np.float32), noise],
        "one frame": noise[:400],
    }[audio]
    ours, theirs = filterbank(samples), of_kaldi(samples)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 1e-5
    assert np.abs(ours - theirs).max() < 1e-2  # both round where a band holds next to nothing
