"""faster-whisper below its pipelines: a batch of windows in, text and timed words out.

The model keeps no state between requests: language, prompt and temperature are passed with every call.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from backends.whisper.language_detection import (
    SAMPLES_PER_POSITION,
    detect_languages,
    sample_parts,
    storage,
)
from backends.whisper.weights import WhisperWeights
from exceptions import InvalidRequestError
from models import SAMPLE_RATE, Span, TokenCounts, TokenLogprob, WindowText, Word
from options import DecodeOptions, Task
from seams import EncodedWindow, WindowFeatures
from utils.audio.log_mel import HOP
from utils.words.byte_tokens import token_bytes

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

SAMPLING_CANDIDATES = 5
MIN_PROBABILITY = 1e-30  # so that a probability rounded to zero has a logarithm

T = TypeVar("T", int, list[int])

PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"


class WhisperEngine:
    """A loaded Whisper. It runs as many calls at once as CTranslate2 has workers."""

    def __init__(self, model: WhisperModel, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size

    def num_mels(self) -> int:
        return self._model.model.n_mels  # type: ignore[no-any-return]

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        """Encode windows with contexts of at most 30 s; the states are copied to host memory."""
        encoded: dict[int, EncodedWindow] = {}
        for own in _group_equal([window.context for window in windows]):
            padded = _padded([windows[n] for n in own])
            states = np.asarray(self._model.model.encode(storage(padded), to_cpu=True))
            encoded |= {
                n: EncodedWindow(rows, windows[n].num_samples) for n, rows in zip(own, states, strict=True)
            }
        return [encoded[n] for n in range(len(windows))]

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        """The probability of each language in `window`."""
        return detect_languages(self._model.model, window.states[None])[0]

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        """The probability of each language in each of `parts`, which hold all speech of the window."""
        return detect_languages(self._model.model, sample_parts(window.states, parts))

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        """Decode windows together at one temperature, times in samples from each window's start. Their states
        must have one length. The options may differ in language, which must be set, and then have no prompt:
        CTranslate2 requires prompts of one length.

        Raises InvalidRequestError for a language or a task that this model does not support.
        """
        tokenizers = [self._tokenizer(each.language or "en", each.task) for each in options]
        prompts = [self._prompt(*pair) for pair in zip(tokenizers, options, strict=True)]
        beam_size = options[0].beam_size or self._beam_size
        texts = self._generate(_states(windows), prompts, tokenizers, temperature, beam_size)
        for own in _group_equal(prompts):  # alignment takes one prompt for all texts
            prompt, tokenizer, part = prompts[own[0]], tokenizers[own[0]], [windows[n] for n in own]
            decoded = _counted([texts[n] for n in own], part, prompt, tokenizer)
            if options[0].logprobs:
                decoded = self._with_logprobs(decoded, _states(part), prompt, tokenizer)
            if words:
                decoded = self._with_words(decoded, part, tokenizer)
            for n, text in zip(own, decoded, strict=True):
                texts[n] = text
        return texts

    def _generate(
        self,
        encoded: Any,
        prompts: list[list[int]],
        tokenizers: Sequence[Tokenizer],
        temperature: float,
        beam_size: int,
    ) -> list[WindowText]:
        from faster_whisper.transcribe import get_suppressed_tokens

        search: dict[str, Any] = {"beam_size": beam_size, "sampling_temperature": 1.0}
        if temperature > 0:
            search = {
                "beam_size": 1,
                "num_hypotheses": SAMPLING_CANDIDATES,
                "sampling_topk": 0,
                "sampling_temperature": temperature,
            }
        results = self._model.model.generate(
            encoded,
            prompts,
            max_length=self._model.max_length,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizers[0], [-1]),
            **search,
        )
        return [_window_text(*pair, temperature) for pair in zip(results, tokenizers, strict=True)]

    def _with_words(
        self, texts: list[WindowText], windows: Sequence[EncodedWindow], tokenizer: Tokenizer
    ) -> list[WindowText]:
        """Word times from cross-attention and dynamic time warping, as in openai/whisper `timing.py`."""
        from faster_whisper.transcribe import merge_punctuations

        frames = [max(1, w.num_samples * self._model.frames_per_second // SAMPLE_RATE) for w in windows]
        tokens = [list(text.tokens) for text in texts]
        alignments = self._model.find_alignment(tokenizer, tokens, _states(windows), frames)
        timed = []
        for text, alignment, window in zip(texts, alignments, windows, strict=True):
            merge_punctuations(alignment, PREPENDED, APPENDED)
            words = tuple(_word(entry, window.num_samples) for entry in alignment if entry["word"])
            timed.append(replace(text, words=_distribute_logprobs(words, text)))
        return timed

    def _with_logprobs(
        self, texts: list[WindowText], encoded: Any, prompt: list[int], tokenizer: Tokenizer
    ) -> list[WindowText]:
        """The log-probability of each token given the prompt and the tokens before it, all in one pass."""
        start = prompt[:-1]  # `align` adds the last token, <|notimestamps|>, itself
        frames = 2 * encoded.shape[1]  # the encoder's whole input
        results = self._model.model.align(encoded, start, [list(text.tokens) for text in texts], frames)
        return [
            replace(text, logprobs=tuple(_logprobs(text, result.text_token_probs, tokenizer)))
            for text, result in zip(texts, results, strict=True)
        ]

    def _tokenizer(self, language: str, task: Task) -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        known = self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None
        if not multilingual and task is Task.TRANSLATE:
            raise InvalidRequestError(
                "This model supports only English; choose a multilingual one to translate.", param="model"
            )
        if not (known if multilingual else language == "en"):
            raise InvalidRequestError(f"This model does not support '{language}'.", param="language")
        return Tokenizer(self._model.hf_tokenizer, multilingual, task=task.value, language=language)

    def _prompt(self, tokenizer: Tokenizer, options: DecodeOptions) -> list[int]:
        """Keywords and the end of the caller's prompt share the half of the context before the text."""
        room = self._model.max_length // 2 - 1
        keywords = (
            tokenizer.encode(" " + ", ".join(options.keywords))[: room // 2] if options.keywords else []
        )
        earlier = tokenizer.encode(" " + options.prompt.strip()) if options.prompt.strip() else []
        context = keywords + earlier[-(room - len(keywords)) :]
        head = [tokenizer.sot_prev, *context] if context else []
        return [*head, *tokenizer.sot_sequence, tokenizer.no_timestamps]


def _padded(windows: Sequence[WindowFeatures]) -> npt.NDArray[np.float32]:
    """(windows, mels, frames), of windows with one context. Zeros are what faster-whisper pads with."""
    padded = np.zeros((len(windows), len(windows[0].mel), windows[0].context // HOP), np.float32)
    for row, window in zip(padded, windows, strict=True):
        row[:, : window.mel.shape[1]] = window.mel
    return padded


def _states(windows: Sequence[EncodedWindow]) -> Any:
    return storage(np.stack([window.states for window in windows]))


def _group_equal(values: Sequence[T]) -> list[list[int]]:
    """The indices of equal values, grouped."""
    return [[n for n, other in enumerate(values) if other == value] for value, _ in groupby(sorted(values))]


def _window_text(result: Any, tokenizer: Tokenizer, temperature: float) -> WindowText:
    tokens = tuple(result.sequences_ids[0])
    text = tokenizer.decode(list(tokens))
    encoded = text.encode()
    return WindowText(
        text=text,
        tokens=tuple(token for token in tokens if token < tokenizer.eot),
        words=(),
        temperature=temperature,
        avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
        compression_ratio=len(encoded) / len(zlib.compress(encoded)),
        no_speech_prob=result.no_speech_prob,
    )


def _counted(
    texts: list[WindowText], windows: Sequence[EncodedWindow], prompt: list[int], tokenizer: Tokenizer
) -> list[WindowText]:
    """Adds the token counts of each window. The special tokens that start every prompt are not counted."""
    given = max(0, len(prompt) - len(tokenizer.sot_sequence) - 2)
    return [
        replace(
            text, counts=TokenCounts(given, -(-window.num_samples // SAMPLES_PER_POSITION), len(text.tokens))
        )
        for text, window in zip(texts, windows, strict=True)
    ]


def _logprobs(
    text: WindowText, probabilities: Sequence[float], tokenizer: Tokenizer
) -> Iterator[TokenLogprob]:
    for token, probability in zip(text.tokens, probabilities, strict=True):
        sign = tokenizer.tokenizer.id_to_token(token)
        yield TokenLogprob(token_bytes(sign), math.log(max(probability, MIN_PROBABILITY)))


def _distribute_logprobs(words: tuple[Word, ...], text: WindowText) -> tuple[Word, ...]:
    """Each word with those of its tokens: the words' tokens, concatenated, are the text's."""
    rest = iter(text.logprobs)
    return tuple(replace(word, logprobs=tuple(islice(rest, len(word.tokens)))) for word in words)


def _word(entry: dict[str, Any], num_samples: int) -> Word:
    start, stop = (min(round(float(entry[end]) * SAMPLE_RATE), num_samples) for end in ("start", "end"))
    tokens = tuple(entry["tokens"])
    return Word(start, stop, entry["word"], round(float(entry["probability"]), 4), tokens)


def load_whisper_engine(weights: WhisperWeights, beam_size: int) -> WhisperEngine:
    return WhisperEngine(weights.load(), beam_size)
