"""Silero v6, the speech detector bundled with faster-whisper, run block by block with external state."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.onnx.network import CPU, session_options
from exceptions import ModelUnavailableError
from models import Audio
from seams import DETECTOR_CONTEXT as CONTEXT
from seams import DetectorState
from utils.speech.speech_map import FRAME, Probabilities

if TYPE_CHECKING:
    import onnxruntime


class SpeechDetector:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]:
        """Speech probability of every `FRAME` samples of `block`, its end padded with silence."""
        frames = np.pad(block, (0, -len(block) % FRAME)).reshape(-1, FRAME)
        before = np.vstack([state.context[None], frames[:-1, -CONTEXT:]])
        feed: dict[str, Any] = {"input": np.hstack([before, frames]), "h": state.hidden, "c": state.cell}
        output, hidden, cell = self._session.run(None, feed)
        return np.ravel(output), DetectorState(hidden, cell, frames[-1, -CONTEXT:])


def load_speech_detector() -> SpeechDetector:
    import onnxruntime

    return SpeechDetector(onnxruntime.InferenceSession(str(_weights()), session_options(), providers=[CPU]))


def _weights() -> Path:
    """Found without importing faster-whisper, which would bring CTranslate2 and PyAV into this process."""
    spec = find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise ModelUnavailableError("The package faster_whisper, which contains Silero, is not installed.")
    return Path(spec.origin).parent / "assets" / "silero_vad_v6.onnx"
