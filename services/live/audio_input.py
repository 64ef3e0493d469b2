"""The audio of a live session: decoded, kept for a while, and searched for speech."""

from __future__ import annotations

import numpy as np

from models import SAMPLE_RATE, Span, seconds
from options import LiveFormat
from seams import Detector, DetectorState
from utils.live.pcm import Pcm, PcmReader
from utils.live.recent_audio import RecentAudio, RecentSpeech
from utils.model_manager import ModelSlot
from utils.speech.speech_map import FRAME, Probabilities

KEPT_SPEECH = seconds(200)  # before the audio that is kept: more than speakers are told apart in at once
# What the detector judges at once while somebody talks, 0.1 s, and while nobody does, 0.2 s: a call costs as
# much again as the frames in it.
DETECTION_BLOCK, IDLE_BLOCK = 3 * FRAME, 6 * FRAME

NOTHING = np.empty(0, np.int16)


class AudioInput:
    def __init__(self, detector: ModelSlot[Detector], audio: LiveFormat) -> None:
        self._detector = detector
        self._reader = PcmReader(audio)
        self._before = NOTHING  # samples, of the format before
        self._state = DetectorState()
        self.audio = RecentAudio()
        self.speech = RecentSpeech()

    def change_format(self, audio: LiveFormat) -> None:
        """Of the pieces from now on."""
        self._before = self.flush()
        self._reader = PcmReader(audio)

    def decode(self, piece: bytes) -> Pcm:
        """Samples of the audio that has come, with its next piece; small pieces are collected."""
        return self._all(self._reader.read(piece))

    def flush(self) -> Pcm:
        """The samples of the pieces that were collected."""
        return self._all(self._reader.flush())

    def _all(self, samples: Pcm) -> Pcm:
        """With those of the format before."""
        before, self._before = self._before, NOTHING
        return np.concatenate([before, samples])

    async def take(self, samples: Pcm, is_idle: bool) -> Probabilities:
        """Adds samples; returns the speech probabilities of the frames that they complete, in blocks, longer
        ones while nobody talks."""
        self.audio.append(samples)
        is_due = self.audio.stop - self.speech.stop >= (IDLE_BLOCK if is_idle else DETECTION_BLOCK)
        return await self.judge() if is_due else np.empty(0, np.float32)

    async def judge(self) -> Probabilities:
        """The speech probabilities of the frames that are complete and not yet judged."""
        span = Span(self.speech.stop, self.audio.stop // FRAME * FRAME)
        if not span.num_samples:
            return np.empty(0, np.float32)
        block, state = self.audio.read(span), self._state
        found, self._state = await self._detector.run(lambda model: model.detect(block, state))
        self.speech.append(found)
        return found

    def close(self) -> None:
        """Frees what it holds, above all the threads of the resampler, now rather than when the session is
        collected as garbage."""
        self._reader = PcmReader(LiveFormat(rate=SAMPLE_RATE))
        self.audio = RecentAudio()

    def forget(self, before: int) -> None:
        """Drop the audio before the sample `before`; what is not yet judged stays."""
        self.audio.forget(min(before, self.speech.stop))
        self.speech.forget(before - KEPT_SPEECH)
