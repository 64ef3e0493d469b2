from __future__ import annotations

import logging

import numpy as np
import onnxruntime
import pytest

from backends.diarization.segmenter import load_speaker_segmenter
from backends.onnx.network import CUDA
from utils.speakers.local_speakers import WINDOW


def test_without_cuda_the_cpu_serves_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        segmenter = load_speaker_segmenter("cuda")
    assert "segmentation runs on the CPU" in caplog.text or CUDA in onnxruntime.get_available_providers()
    assert segmenter.segment(np.zeros((1, WINDOW), np.float32)).shape[0] == 1
