"""Silero v6, the speech detector bundled with faster-whisper, run block by block with external state.

Whispering and other faint speech has too little level for the network, even above the noise. So where it is
not sure, it hears the sound once more, raised to the level of loud speech. Noise it still takes for noise.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.onnx.network import CPU, session_options
from exceptions import ModelUnavailableError
from models import Audio
from seams import DETECTOR_CONTEXT as CONTEXT
from seams import DetectorState, NetworkState
from utils.audio.gain import Frames, raised, recent_levels
from utils.speech.speech_map import FRAME, SURE, Probabilities

if TYPE_CHECKING:
    import onnxruntime

AUDIBLE = -60.0  # dB of full scale, below which murmurs are left alone: the recogniser would guess
PATIENCE = 10  # frames after sure ones in which the sound is not heard again: pauses between words


class SpeechDetector:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]:
        """Speech probability of every `FRAME` samples of `block`, its end padded with silence."""
        frames = np.pad(block, (0, -len(block) % FRAME)).reshape(-1, FRAME)
        found, plain = self._run(frames, state.plain)
        waits = list(accumulate(found >= SURE, _frames_to_wait, initial=state.wait))[1:]
        levels = recent_levels(frames, state.level)
        again, faint = self._listen_again(
            raised(frames, levels, state.level),
            [wait == 0 and level > AUDIBLE for wait, level in zip(waits, levels, strict=True)],
            state.faint,
        )
        return np.maximum(found, again), DetectorState(plain, faint, float(levels[-1]), waits[-1])

    def _listen_again(
        self, frames: Frames, chosen: list[bool], state: NetworkState
    ) -> tuple[Probabilities, NetworkState]:
        """The probabilities of the chosen frames, 0 elsewhere; each run of them begins without a memory."""
        found = np.zeros(len(frames), np.float32)
        for is_chosen, group in groupby(range(len(frames)), chosen.__getitem__):
            run = list(group)
            if is_chosen:
                found[run], state = self._run(frames[run], state)
            else:
                state = NetworkState(context=frames[run[-1], -CONTEXT:])
        return found, state

    def _run(self, frames: Frames, state: NetworkState) -> tuple[Probabilities, NetworkState]:
        before = np.vstack([state.context[None], frames[:-1, -CONTEXT:]])
        feed: dict[str, Any] = {"input": np.hstack([before, frames]), "h": state.hidden, "c": state.cell}
        output, hidden, cell = self._session.run(None, feed)
        return np.ravel(output), NetworkState(hidden, cell, frames[-1, -CONTEXT:])


def _frames_to_wait(before: int, is_sure: bool) -> int:
    return PATIENCE if is_sure else max(0, before - 1)


def load_speech_detector() -> SpeechDetector:
    import onnxruntime

    return SpeechDetector(onnxruntime.InferenceSession(str(_weights()), session_options(), providers=[CPU]))


def _weights() -> Path:
    """Found without importing faster-whisper, which would bring CTranslate2 and PyAV into this process."""
    spec = find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise ModelUnavailableError("The package faster_whisper, which contains Silero, is not installed.")
    return Path(spec.origin).parent / "assets" / "silero_vad_v6.onnx"
