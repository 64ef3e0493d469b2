"""Real transformers models: one trained on a synthetic voice whose words' times are known, one random."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from backends.ctc import CtcAligner, load_ctc_aligner
from benchmarks.eval_set import read_audio
from exceptions import ModelFailedError, ModelUnavailableError
from models import SAMPLE_RATE, Audio, AudioClip, Segment, Word
from seams import CtcModel
from services.alignment_service import AlignmentService
from tests.builders import segment
from utils.model_manager import ModelSlot, ModelSource
from utils.words.spelling import spell

pytestmark = pytest.mark.filterwarnings("ignore")

FIXTURES = Path(__file__).parent / "fixtures"
FLITE = FIXTURES / "ctc_flite"
TOLERANCE = 0.1 * SAMPLE_RATE


@pytest.fixture(scope="module")
def aligner() -> CtcAligner:
    return load_ctc_aligner(str(FLITE), "cpu")


def samples(name: str) -> Audio:
    return read_audio(FIXTURES / f"{name}.flac")


def script(name: str) -> list[Word]:
    """The words as the synthesiser said them."""
    rows = json.loads((FIXTURES / f"{name}.json").read_text())
    return [
        Word(round(row["start"] * SAMPLE_RATE), round(row["stop"] * SAMPLE_RATE), " " + row["text"], 0.9)
        for row in rows
    ]


def badly_timed(words: list[Word]) -> Segment:
    """The words evenly over their sentence: most are far from where they are said."""
    ends = np.linspace(words[0].start, words[-1].stop, len(words) + 1).astype(int).tolist()
    return segment(
        [
            replace(word, start=start, stop=stop)
            for word, start, stop in zip(words, ends, ends[1:], strict=False)
        ]
    )


def farthest(words: tuple[Word, ...], truth: list[Word]) -> int:
    """Samples between the start or stop of a word and where it should be, at worst."""
    return max(
        max(abs(word.start - true.start), abs(word.stop - true.stop))
        for word, true in zip(words, truth, strict=True)
    )


@pytest.mark.parametrize("name", ["flite_1", "flite_2"])
def test_words_of_sentences_never_heard_are_put_where_they_are_said(
    name: str, aligner: CtcAligner, tmp_path: Path
) -> None:
    audio, truth = samples(name), script(name)
    clip = AudioClip(tmp_path / "audio.s16", len(audio))
    (audio * 32768).astype("<i2").tofile(clip.path)
    given = badly_timed(truth)
    slot: ModelSlot[CtcModel] = ModelSlot("alignment", ModelSource("tiny", lambda: aligner))
    try:
        (aligned,) = asyncio.run(AlignmentService(slot).align(clip, [given], "en"))
    finally:
        slot.close()
    assert farthest(given.words, truth) > 2 * TOLERANCE
    assert farthest(aligned.words, truth) < TOLERANCE


def test_a_wrong_text_scores_below_the_right_one(aligner: CtcAligner) -> None:
    def score(words: list[str]) -> float:
        spans = aligner.align(samples("flite_1"), spell(words, "en", aligner.alphabet()).tokens)
        assert spans is not None
        return sum(span.score for span in spans) / len(spans)

    right = [word.text for word in script("flite_1")]
    assert score(right) > -1.5
    assert score(right[::-1]) < -3.5


@pytest.mark.parametrize("num_samples", [0, 1, 200, 1600])
def test_text_longer_than_the_audio_is_no_alignment(num_samples: int, aligner: CtcAligner) -> None:
    tokens = spell([" children"], "en", aligner.alphabet()).tokens
    assert aligner.align(np.zeros(num_samples, np.float32), tokens) is None
    assert aligner.align(samples("flite_1")[:num_samples], tokens) is None


@pytest.mark.parametrize("num_samples", [0, 1, 200, 1600])
def test_the_shortest_audio_has_room_for_one_letter(num_samples: int, aligner: CtcAligner) -> None:
    spans = aligner.align(samples("flite_1")[:num_samples], (5,))
    assert spans is not None
    assert 0 <= spans[0].start <= spans[0].stop <= num_samples


def test_the_same_audio_gives_the_same_answer(aligner: CtcAligner) -> None:
    audio = samples("flite_2")
    tokens = spell([" seven", " happy"], "en", aligner.alphabet()).tokens
    first = aligner.align(audio, tokens)
    aligner.align(audio[:20_000], tokens)
    assert aligner.align(audio, tokens) == first


def test_an_error_of_the_library_is_ours(aligner: CtcAligner) -> None:
    with pytest.raises(ModelFailedError):
        aligner.align(np.zeros((2, SAMPLE_RATE), np.float32), (5,))


def test_a_model_with_capitals_and_separators(tmp_path: Path) -> None:
    """As facebook/wav2vec2-base-960h has them: `|` between words, the padding for the blank."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", "E", "T", "'"]
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "Wav2Vec2CTCTokenizer"}')
    config = Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, conv_dim=(8, 8), conv_stride=(20, 16), conv_kernel=(20, 16),
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=1, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    aligner = load_ctc_aligner(str(tmp_path), "cpu")
    assert aligner.alphabet().letters == {"E": 5, "T": 6, "'": 7}
    tokens = spell([" te", " et"], "en", aligner.alphabet()).tokens
    assert tokens == (6, 5, 4, 5, 6)
    assert aligner.align(samples("flite_1"), tokens) is not None


@pytest.mark.parametrize("missing", ["config.json", "vocab.json", "model.safetensors"])
def test_a_file_that_is_not_there_is_named(missing: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FLITE, tmp_path / "model")
    (folder / missing).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(ModelUnavailableError, match=f"lacks {missing}"):
        load_ctc_aligner(str(folder), "cpu")


@pytest.mark.parametrize("broken", ["config.json", "vocab.json", "model.safetensors"])
def test_a_broken_file_is_an_error_of_ours(broken: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FLITE, tmp_path / "model")
    (folder / broken).write_bytes(b"{")
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded.*config\.json, vocab\.json and model"):
        load_ctc_aligner(str(folder), "cpu")


def test_the_loader_can_be_sent_to_another_process(aligner: CtcAligner) -> None:
    import pickle

    load = pickle.loads(pickle.dumps(partial(load_ctc_aligner, str(FLITE), "cpu")))
    tokens = spell([" red"], "en", aligner.alphabet()).tokens
    there, here = (model.align(samples("flite_1"), tokens) for model in (load(), aligner))
    assert pickle.loads(pickle.dumps((there, aligner.alphabet()))) == (here, aligner.alphabet())
