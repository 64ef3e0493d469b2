"""A real TitaNet, tiny and trained on synthetic voices, with NeMo's clustering, and a diarizer made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from backends.diarization.choice import choose_diarizer
from backends.diarization.sortformer import load_sortformer
from backends.diarization.titanet import TitaNet, load_titanet
from models import SAMPLE_RATE, ChunkSpeakers, Span, seconds
from options import SpeakerCount
from seams import SeatModel, VoiceModel
from services.diarizers.seats import SeatDiarizer
from tests.recordings import Conversation, conversation, speech_map
from tests.studio.side_effects import nothing_else_changes
from utils.model_manager import ModelSlot, ModelSource
from utils.speakers.voice_windows import plan_windows

pytestmark = pytest.mark.filterwarnings("ignore")

FIXTURES = Path(__file__).parent / "fixtures"
VOICES = str(FIXTURES / "titanet_tiny_trained.nemo")
SEATS = str(FIXTURES / "sortformer_tiny_streaming.nemo")
THREE = conversation("conversation")
FOUR = conversation("four_voices", FIXTURES)


@pytest.fixture(scope="module")
def titanet() -> TitaNet:
    return load_titanet(VOICES, "cpu")


@pytest.fixture
async def diarizer(titanet: TitaNet) -> AsyncIterator[SeatDiarizer]:
    seats: ModelSlot[SeatModel] = ModelSlot(
        "seats", ModelSource("tiny", lambda: load_sortformer(SEATS, "cpu"))
    )
    voices: ModelSlot[VoiceModel] = ModelSlot("voices", ModelSource("tiny", lambda: titanet))
    yield SeatDiarizer(seats, voices)
    seats.close()
    voices.close()


def speech_of(talk: Conversation) -> list[Span]:
    return [Span(seconds(turn.start), seconds(turn.stop)) for turn in talk.turns]


async def diarize(diarizer: SeatDiarizer, talk: Conversation, count: SpeakerCount) -> ChunkSpeakers:
    samples, heard = talk.samples, Span(0, len(talk.samples))
    return await diarizer.diarize(
        lambda span: samples[span.start : span.stop], heard, speech_map(heard, speech_of(talk)), count
    )


def confusion(talk: Conversation, found: ChunkSpeakers) -> float:
    """The share of speech given to the wrong speaker, in frames of 10 ms, under the best naming."""
    names = sorted({turn.speaker for turn in talk.turns})
    length = round(talk.turns[-1].stop * 100) + 1
    said, heard = np.full(length, -1), np.full(length, -1)
    for turn in talk.turns:
        said[round(turn.start * 100) : round(turn.stop * 100)] = names.index(turn.speaker)
    for span in found.turns:
        heard[span.start * 100 // SAMPLE_RATE : span.stop * 100 // SAMPLE_RATE] = span.speaker
    together = np.zeros((len(names), heard.max() + 1))
    np.add.at(together, (said[(said >= 0) & (heard >= 0)], heard[(said >= 0) & (heard >= 0)]), 1)
    right = together[linear_sum_assignment(-together)].sum()
    return float(1 - right / (said >= 0).sum())


def test_rows_are_unit_and_do_not_depend_on_their_batch(titanet: TitaNet) -> None:
    samples = THREE.samples
    windows = [
        Span(seconds(at), seconds(at + length)) for at, length in [(1, 1.5), (1.2, 0.5), (2, 3), (3, 0.05)]
    ]
    rows = titanet.embed(samples, windows)
    assert rows.shape == (4, 192)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for row, window in zip(rows, windows, strict=True):
        assert np.abs(titanet.embed(samples, [window])[0] - row).max() < 1e-4


@pytest.mark.parametrize(("talk", "number"), [(THREE, 3), (FOUR, 4)], ids=["three", "four"])
async def test_the_right_speakers_are_found(diarizer: SeatDiarizer, talk: Conversation, number: int) -> None:
    found = await diarize(diarizer, talk, SpeakerCount(number, number))
    found = found.finer or found  # the seats of this tiny network take two of them for one
    assert len(found.voices) == number
    assert {turn.speaker for turn in found.turns} == set(range(number))
    assert confusion(talk, found) <= 0.05


async def test_diarizing_is_repeatable(diarizer: SeatDiarizer) -> None:
    count = SpeakerCount(3, 3)
    assert await diarize(diarizer, THREE, count) == await diarize(diarizer, THREE, count)


Scales = list[tuple[npt.NDArray[np.float32], list[Span]]]


@pytest.fixture(scope="module")
def scales(titanet: TitaNet) -> Scales:
    samples, made = FOUR.samples, []
    for length, hop in [(1.9, 0.95), (0.5, 0.25)]:
        windows = plan_windows(speech_of(FOUR), seconds(length), seconds(hop))
        made.append((titanet.embed(samples, windows), windows))
    return made


@pytest.mark.parametrize("count", [SpeakerCount(), SpeakerCount(6), SpeakerCount(1, 2), SpeakerCount(1, 1)])
def test_the_count_is_obeyed(titanet: TitaNet, scales: Scales, count: SpeakerCount) -> None:
    labels = titanet.cluster(scales, count, most=8)
    assert len(labels) == len(scales[-1][1])
    found = set(labels.tolist())
    assert found == set(range(len(found)))
    assert count.minimum <= len(found) <= (count.maximum or 8)


def test_clustering_changes_nothing_else_and_is_repeatable(titanet: TitaNet, scales: Scales) -> None:
    torch.manual_seed(7)
    with nothing_else_changes():
        once = titanet.cluster(scales, SpeakerCount(), most=8)
        rows = titanet.embed(FOUR.samples, speech_of(FOUR)[:2])
    torch.manual_seed(8)
    assert np.array_equal(once, titanet.cluster(scales, SpeakerCount(), most=8))
    assert np.array_equal(rows, titanet.embed(FOUR.samples, speech_of(FOUR)[:2]))


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_few_words_can_be_clustered(titanet: TitaNet, number: int) -> None:
    windows = plan_windows(
        [Span(seconds(1), seconds(1.5 + 0.25 * (number - 1)))], seconds(0.5), seconds(0.25)
    )
    rows = titanet.embed(THREE.samples, windows)
    assert len(windows) == number
    assert len(titanet.cluster([(rows, windows)], SpeakerCount(1, 3), most=8)) == number


def test_auto_takes_nemo_on_cuda_with_weights() -> None:
    assert choose_diarizer("auto", "cuda", [SEATS, VOICES]) == "nemo"
    assert choose_diarizer("auto", "cpu", [SEATS, VOICES]) == "embedded"
