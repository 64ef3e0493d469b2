"""Encodes the first windows of a recording while the rest of its first chunk is decoded and searched for
speech, so that the recogniser does not idle until the end of the chunk is known."""

from __future__ import annotations

import asyncio
from functools import partial

from models import AudioClip
from options import TranscriptionOptions
from services.whisper_pool import WhisperPool
from services.whisper_service import Encoded, WhisperService
from utils.audio_utils import read_samples
from utils.speech.speech_map import SpeechMap
from utils.speech.speech_windows import speech_windows
from utils.waiting.concurrency import stopped
from utils.waiting.fair_queue import Flow


class EarlyWindows:
    def __init__(
        self, whisper: WhisperService | WhisperPool, options: TranscriptionOptions, flow: Flow
    ) -> None:
        self.encoded: Encoded = {}
        self._whisper = whisper
        self._options = options
        self._flow = flow

    def add(self, clip: AudioClip, speech: SpeechMap) -> None:
        """Begin with the windows in the first chunk's `speech` so far, as many as a recording may have in
        flight. A window that turns out otherwise is not used."""
        if len(self.encoded) >= self._whisper.in_flight:
            return
        windows = speech_windows(speech, self._options.voice_activity, self._whisper.longest_window)
        complete = windows[:-1]  # the last one may still grow
        for window in complete[: self._whisper.in_flight]:
            if window not in self.encoded:
                samples = partial(read_samples, clip)
                work = self._whisper.encode(self._flow, samples, window, self._options.decode)
                self.encoded[window] = asyncio.create_task(work)

    async def aclose(self) -> None:
        """Drops what was not used."""
        await stopped(*self.encoded.values())
        self.encoded.clear()
