"""Trains a small English aligner on the eval set: `python -m benchmarks.recognition.train_aligner FOLDER`.

For hosts that cannot download a published model. Needs requirements-studio.txt, requirements-bench.txt and
EVAL_DIR. About 23 minutes of twelve speakers suffice for aligning words, not for recognising them.
PocketSphinx provides the word times; the letters of a word are spread evenly over its loud frames, all other
frames are blank, and the network is trained with a cross-entropy loss per frame.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from benchmarks.recognition.onsets import loud_frames
from benchmarks.recognition.timed_speech import TimedSpeech, read_recordings, time_words
from benchmarks.report import note
from models import SAMPLE_RATE, Audio

HELD_OUT = {"ls1089", "ls61", "ls2412", "ls3331", "michael"}  # speakers kept for evaluation
STEPS, BATCH, RATE, DECAY = 450, 8, 2e-3, 0.02
SAVE_EVERY = 150
CROP = 4 * SAMPLE_RATE
HOP = SAMPLE_RATE // 100  # samples per target letter
MAX_CLOSURE = 12  # hops; a shorter silence, such as before a p, is part of a word
TOKENS = {token: n for n, token in enumerate(["<pad>", "<unk>", "'", *ascii_lowercase])}
CONFIG = Wav2Vec2Config(
    vocab_size=len(TOKENS),
    pad_token_id=TOKENS["<pad>"],
    conv_dim=(80, 128, 192),
    conv_kernel=(128, 10, 8),
    conv_stride=(16, 5, 4),
    conv_bias=True,
    hidden_size=160,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=480,
    num_conv_pos_embeddings=32,
    num_conv_pos_embedding_groups=8,
    layerdrop=0.0,
    feat_proj_dropout=0.0,
    final_dropout=0.0,
    hidden_dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    mask_time_prob=0.15,
    mask_time_length=6,
    mask_feature_prob=0.1,
    mask_feature_length=12,
)
STRIDE, WIDTH = 320, 128 + 9 * 16 + 7 * 80
MIDDLES = np.arange((CROP - WIDTH) // STRIDE + 1) * STRIDE + WIDTH // 2

Letters = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    speaker: str
    audio: Audio
    letters: Letters  # a token for every HOP samples


def make_example(speech: TimedSpeech) -> Example:
    loud = _without_closures(loud_frames(speech.audio, HOP))
    letters = np.zeros(len(loud) + 1, np.int64)
    for word in speech.words:
        hops = np.arange(round(word.start * SAMPLE_RATE / HOP), round(word.stop * SAMPLE_RATE / HOP))
        hops = hops[hops < len(loud)]
        hops = hops[loud[hops]]
        tokens = np.array([TOKENS[letter] for letter in word.text])
        letters[hops] = tokens[np.arange(len(hops)) * len(tokens) // max(1, len(hops))]
    return Example(speech.speaker, speech.audio, letters)


def _without_closures(loud: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    runs = [(value, len(list(run))) for value, run in groupby(loud.tolist())]
    return np.concatenate([np.full(count, value or count < MAX_CLOSURE) for value, count in runs])


class CropSampler:
    """Random crops with speed perturbation, spectral tilt and additive noise."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._rng = np.random.default_rng(0)
        self._examples = examples
        seconds: Counter[str] = Counter()
        for item in examples:
            seconds[item.speaker] += len(item.audio)
        # A speaker's share of the crops grows only with the square root of their speech.
        weights = np.array([len(item.audio) / seconds[item.speaker] ** 0.5 for item in examples])
        self._weights = weights / weights.sum()

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(BATCH, CROP) samples and (BATCH, frames) target tokens."""
        crops = [self._crop() for _ in range(BATCH)]
        audio, targets = (np.stack(parts) for parts in zip(*crops, strict=True))
        return torch.from_numpy(audio), torch.from_numpy(targets)

    def _crop(self) -> tuple[Audio, Letters]:
        rng = self._rng
        item = self._examples[rng.choice(len(self._examples), p=self._weights)]
        speed, around = np.exp(rng.uniform(-0.2, 0.2)), 0.3 * SAMPLE_RATE
        first = rng.uniform(-around, max(-around + 1, len(item.audio) + around - CROP * speed))
        at = first + np.arange(CROP) * speed
        crop = np.interp(at, np.arange(len(item.audio)), item.audio, left=0, right=0)
        crop = _normalised(crop - rng.uniform(-0.3, 0.7) * np.roll(crop, 1))
        crop += rng.normal(size=CROP) * 10 ** (-rng.uniform(15, 50) / 20)
        hops = (at[MIDDLES] / HOP).astype(int)
        inside = (hops >= 0) & (hops < len(item.letters))
        return _normalised(crop), np.where(inside, item.letters[hops * inside], TOKENS["<pad>"])


def _normalised(audio: npt.NDArray[np.floating]) -> Audio:
    """Zero mean and unit variance, as Wav2Vec2FeatureExtractor does."""
    return np.asarray((audio - audio.mean()) / np.sqrt(audio.var() + 1e-7), np.float32)


def new_network() -> Wav2Vec2ForCTC:
    """The first layer is a fixed mel-scale filter bank, since there is too little data to learn one."""
    network = Wav2Vec2ForCTC(CONFIG)
    first, *_ = network.wav2vec2.feature_extractor.conv_layers
    first.conv.weight.data = torch.from_numpy(_gabor_filters(*first.conv.weight.shape[::2]))
    first.conv.requires_grad_(False)
    network.wav2vec2.feature_extractor._requires_grad = False  # no gradients of the samples
    return network


def _gabor_filters(count: int, width: int) -> npt.NDArray[np.float32]:
    """(count, 1, width), in cosine and sine pairs."""
    mels = np.linspace(0, 2595 * np.log10(1 + 7800 / 700), count // 2 + 2)[1:-1]
    hertz = 700 * (10 ** (mels / 2595) - 1)[:, None]
    seconds = (np.arange(width) - width / 2) / SAMPLE_RATE
    envelope = np.exp(-np.pi * (seconds * np.maximum(100, 0.15 * hertz)) ** 2)
    waves = [envelope * wave(2 * np.pi * hertz * seconds) for wave in (np.cos, np.sin)]
    filters = np.stack(waves, axis=1).reshape(count, 1, width)
    return np.asarray(0.7 * filters / np.linalg.norm(filters, axis=-1, keepdims=True), np.float32)


def train(examples: Sequence[Example], folder: Path) -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # transformers masks with it
    network, crops = new_network().train(), CropSampler(examples)
    trainable = [weights for weights in network.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(trainable, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS, pct_start=0.15)
    for step in range(1, STEPS + 1):
        audio, targets = crops.batch()
        logits = network(audio).logits
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimiser.step()
        schedule.step()
        if step % 25 == 0:
            accuracy = (logits.argmax(-1) == targets).float().mean().item()
            note(f"step {step}: loss {loss.item():.3f}, frame accuracy {accuracy:.2f}")
        if step % SAVE_EVERY == 0:
            save(network, folder)


def save(network: Wav2Vec2ForCTC, folder: Path) -> None:
    network.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(TOKENS))
    tokenizer = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "bos_token": None,
        "eos_token": None,
        "word_delimiter_token": None,  # words follow each other directly
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    recordings = read_recordings(Path(os.environ.get("EVAL_DIR", "../shared/eval")))
    examples = [
        make_example(speech)
        for speech in time_words([item for item in recordings if item.speaker not in HELD_OUT])
    ]
    note(f"{sum(len(item.audio) for item in examples) / SAMPLE_RATE / 60:.1f} min of speech")
    train(examples, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
