"""Child process: LocalAgreement-2 in each session, faster-whisper behind one lock, fed in real time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.live.measures import Said
from benchmarks.live.peers.agreement import LocalAgreement
from benchmarks.reference_whisper import BEAM_SIZE, load_model
from benchmarks.values import Message
from benchmarks.worker import answer_requests
from models import SAMPLE_RATE, Audio

STEP_SECONDS = 1.0


class Session:
    """One that talks; a step that waited for the lock hears all that came meanwhile."""

    def __init__(self, audio: Audio, language: str) -> None:
        self._audio = audio
        self._language = language
        self._agreement = LocalAgreement()
        self._started = time.monotonic()
        self._told: list[tuple[str, float]] = []

    def run(self) -> list[tuple[str, float]]:
        """Words, and when they were told, in seconds since the first sample."""
        length, heard = len(self._audio) / SAMPLE_RATE, 0.0
        while heard < length:
            time.sleep(max(0.0, min(heard + STEP_SECONDS, length) - self._now))
            with lock:
                heard = min(self._now, length)
                words, ends = self._transcribe(heard)
            self._tell(self._agreement.add(words))
            self._agreement.trim(ends, heard)
        self._tell(self._agreement.finish())
        return self._told

    @property
    def _now(self) -> float:
        return time.monotonic() - self._started

    def _tell(self, words: list[Said]) -> None:
        self._told += [(word.word, self._now) for word in words]

    def _transcribe(self, heard: float) -> tuple[list[Said], list[float]]:
        """The words of the buffer, and the ends of its sentences."""
        start = self._agreement.start
        audio = self._audio[round(start * SAMPLE_RATE) : round(heard * SAMPLE_RATE)]
        found, _ = model.transcribe(
            audio,
            language=self._language,
            beam_size=BEAM_SIZE,
            word_timestamps=True,
            vad_filter=True,
            initial_prompt=self._agreement.prompt or None,
        )
        segments = list(found)
        words = [
            Said(word.word.strip(), start + word.start, start + word.end)
            for segment in segments
            for word in segment.words or ()
        ]
        return words, [start + segment.end for segment in segments]


def talk(request: Message) -> Message:
    """Plays the files of `excerpts` side by side, one `stagger` seconds after the other."""
    sessions = len(request["excerpts"])
    before = time.process_time()

    def run(number: int) -> list[tuple[str, float]]:
        excerpt = request["excerpts"][number]
        audio = np.load(Path(excerpt["pcm"])).astype(np.float32) / 32768
        time.sleep(number * request["stagger"])
        return Session(audio, excerpt["language"]).run()

    with ThreadPoolExecutor(sessions) as pool:
        told = list(pool.map(run, range(sessions)))
    return {"told": told, "cpu": time.process_time() - before}


if __name__ == "__main__":
    lock = threading.Lock()
    model = load_model()
    answer_requests(talk)
