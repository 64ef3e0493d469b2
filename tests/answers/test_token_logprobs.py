"""Log-probabilities of tokens, against the decoder's own logits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ctranslate2 import StorageView

from backends.whisper.engine import WhisperEngine
from backends.whisper.weights import find_weights
from models import WindowText
from options import DecodeOptions
from seams import WindowFeatures
from tests.recordings import conversation
from tests.servers import RunningServer
from utils.audio.log_mel import log_mel
from utils.speech.contexts import FULL
from utils.words.byte_tokens import token_bytes

DIALOGUE = conversation("dialogue")
FEATURES = WindowFeatures(log_mel(DIALOGUE.samples, 80), len(DIALOGUE.samples), FULL)


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return WhisperEngine(find_weights("whisper-tiny.en", "cpu", "float32", 1).load(), beam_size=1)


def _decode(engine: WhisperEngine, options: DecodeOptions, words: bool) -> WindowText:
    return engine.decode(engine.encode([FEATURES]), [options], words, temperature=0.0)[0]


@pytest.mark.parametrize("prompt", ["", "The summer market."])
def test_they_are_those_of_a_greedy_decoding(engine: WhisperEngine, prompt: str) -> None:
    """Log-softmax of the logits of each step, computed here. What the decoder never says is left out there
    and weighs a little in ours, as does the order of additions: 0.03 at most on this recording."""
    options = DecodeOptions("en", prompt=prompt, logprobs=True)
    text = _decode(engine, options, words=False)
    whisper = engine._model
    tokenizer = engine._tokenizer("en", options.task)
    result = whisper.model.generate(
        StorageView.from_array(engine.encode([FEATURES])[0].states[None]),
        [engine._prompt(tokenizer, options)],
        beam_size=1,
        return_logits_vocab=True,
    )[0]
    logits = np.array(result.logits[0], np.float64)
    normalised = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert tuple(result.sequences_ids[0]) == text.tokens
    expected = [normalised[step, token] for step, token in enumerate(text.tokens)]
    np.testing.assert_allclose([token.logprob for token in text.logprobs], expected, atol=0.05)
    assert text.counts.text == len(tokenizer.encode(" " + prompt)) * bool(prompt)
    assert (text.counts.audio, text.counts.output) == (614, len(text.tokens))


def test_words_share_them_out(engine: WhisperEngine) -> None:
    options = DecodeOptions("en", logprobs=True)
    text = _decode(engine, options, words=True)
    assert [token for word in text.words for token in word.logprobs] == list(text.logprobs)
    assert all(b"".join(t.data for t in word.logprobs).decode() == word.text for word in text.words)
    assert _decode(engine, replace(options, logprobs=False), words=True).logprobs == ()


@pytest.mark.parametrize("text", [" Grüße aus Köln", "日本語の文", "🎉🏳️‍🌈", "\n\t\x00"])
def test_bytes_of_any_text(engine: WhisperEngine, text: str) -> None:
    vocabulary = engine._model.hf_tokenizer
    tokens = vocabulary.encode(text, add_special_tokens=False).ids
    assert b"".join(token_bytes(vocabulary.id_to_token(token)) for token in tokens) == text.encode()


@pytest.mark.contract(
    "Transcription fields", "`include[]`", "`logprobs` with json: the decoder's own, with bytes"
)
def test_the_client_reads_them(tiny_server: RunningServer) -> None:
    answer = tiny_server.client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=DIALOGUE.audio, include=["logprobs"]
    )
    assert answer.logprobs
    spelled = b"".join(bytes(int(b) for b in entry.bytes or []) for entry in answer.logprobs)
    assert spelled.decode() == answer.text == "".join(entry.token or "" for entry in answer.logprobs)
    assert all(-20 < (entry.logprob or 0) < 0 for entry in answer.logprobs)
    assert answer.usage is not None
    assert answer.usage.type == "tokens"
    assert answer.usage.output_tokens == len(answer.logprobs)
