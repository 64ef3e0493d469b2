"""faster-whisper below its pipelines: a batch of windows in, text and timed words out.

No request leaves a trace on the model: language, prompt and temperature come with every call.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from exceptions import InvalidRequestError
from models import SAMPLE_RATE, Audio, DecodeOptions, Task, TokenCounts, TokenLogprob, WindowText, Word
from utils.temperature_ladder import LADDER, is_doubtful, settle
from utils.token_logprobs import token_bytes

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

SAMPLING_CANDIDATES = 5
WINDOW_FRAMES = 3000  # of 10 ms, 30 s
SAMPLES_PER_POSITION = 320  # the encoder halves the frames
LEAST_PROBABILITY = 1e-30  # what a float may round to nothing still has a logarithm

PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"


class WhisperEngine:
    """A loaded Whisper. Not thread-safe: it lives in a slot."""

    def __init__(self, model: WhisperModel, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size

    def language_probabilities(self, window: Audio) -> dict[str, float]:
        """How likely each language is in the first 30 s of `window`."""
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        encoded = self._model.encode(self._features([window]))
        return {
            token[2:-2]: probability for token, probability in self._model.model.detect_language(encoded)[0]
        }

    def transcribe(
        self, windows: Sequence[Audio], options: DecodeOptions, words: bool
    ) -> Iterator[list[WindowText] | None]:
        """Decode windows of at most 30 s together, a rung of the ladder a step; the last item is the result,
        times in samples from each window's start. `options.language` must be set.

        Raises InvalidRequestError for a language or a task that this model does not know.
        """
        tokenizer = self._tokenizer(options.language or "en", options.task)
        prompt = self._prompt(tokenizer, options)
        features = self._features(windows)
        encoded = self._model.encode(features)
        ladder = LADDER if options.temperature == 0 else (options.temperature,)
        tries: list[list[WindowText]] = [[] for _ in windows]
        pending = list(range(len(windows)))
        for temperature in ladder:
            part = encoded if len(pending) == len(windows) else self._model.encode(features[pending])
            for index, text in zip(
                pending, self._generate(part, prompt, tokenizer, temperature), strict=True
            ):
                tries[index].append(text)
            pending = [index for index in pending if is_doubtful(tries[index][-1])]
            if not pending:
                break
            yield None
        texts = _counted([settle(attempts) for attempts in tries], windows, prompt, tokenizer)
        if options.logprobs:
            texts = self._with_logprobs(texts, encoded, prompt, tokenizer)
        yield self._with_words(texts, windows, encoded, tokenizer) if words else texts

    def _generate(
        self, encoded: Any, prompt: list[int], tokenizer: Tokenizer, temperature: float
    ) -> list[WindowText]:
        from faster_whisper.transcribe import get_suppressed_tokens

        search: dict[str, Any] = {"beam_size": self._beam_size, "sampling_temperature": 1.0}
        if temperature > 0:
            search = {
                "beam_size": 1,
                "num_hypotheses": SAMPLING_CANDIDATES,
                "sampling_topk": 0,
                "sampling_temperature": temperature,
            }
        results = self._model.model.generate(
            encoded,
            [prompt] * encoded.shape[0],
            max_length=self._model.max_length,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            **search,
        )
        return [_window_text(result, tokenizer, temperature) for result in results]

    def _with_words(
        self, texts: list[WindowText], windows: Sequence[Audio], encoded: Any, tokenizer: Tokenizer
    ) -> list[WindowText]:
        """Word times from cross-attention and dynamic time warping, as in openai/whisper `timing.py`."""
        from faster_whisper.transcribe import merge_punctuations

        frames = [max(1, len(window) * self._model.frames_per_second // SAMPLE_RATE) for window in windows]
        alignments = self._model.find_alignment(
            tokenizer, [list(text.tokens) for text in texts], encoded, frames
        )
        timed = []
        for text, alignment, window in zip(texts, alignments, windows, strict=True):
            merge_punctuations(alignment, PREPENDED, APPENDED)
            words = tuple(_word(entry, len(window)) for entry in alignment if entry["word"])
            timed.append(replace(text, words=_sharing_logprobs(words, text)))
        return timed

    def _with_logprobs(
        self, texts: list[WindowText], encoded: Any, prompt: list[int], tokenizer: Tokenizer
    ) -> list[WindowText]:
        """How likely the model takes each token after those before it and the prompt, all in one pass."""
        start = prompt[:-1]  # `align` adds the last token, <|notimestamps|>, itself
        results = self._model.model.align(
            encoded, start, [list(text.tokens) for text in texts], WINDOW_FRAMES
        )
        return [
            replace(text, logprobs=tuple(_logprobs(text, result.text_token_probs, tokenizer)))
            for text, result in zip(texts, results, strict=True)
        ]

    def _features(self, windows: Sequence[Audio]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Log-mel features, (windows, mels, frames of 30 s)."""
        from faster_whisper.audio import pad_or_trim

        extract = self._model.feature_extractor
        return np.stack([pad_or_trim(extract(window)[..., :-1]) for window in windows])

    def _tokenizer(self, language: str, task: Task) -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        known = self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None
        if not multilingual and task is Task.TRANSLATE:
            raise InvalidRequestError(
                "This model knows only English; name a multilingual one to translate.", param="model"
            )
        if not (known if multilingual else language == "en"):
            raise InvalidRequestError(f"This model does not know '{language}'.", param="language")
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
    texts: list[WindowText], windows: Sequence[Audio], prompt: list[int], tokenizer: Tokenizer
) -> list[WindowText]:
    """With what each window was given and gave back. The marks that begin every prompt are not counted."""
    given = max(0, len(prompt) - len(tokenizer.sot_sequence) - 2)
    return [
        replace(text, counts=TokenCounts(given, -(-len(window) // SAMPLES_PER_POSITION), len(text.tokens)))
        for text, window in zip(texts, windows, strict=True)
    ]


def _logprobs(
    text: WindowText, probabilities: Sequence[float], tokenizer: Tokenizer
) -> Iterator[TokenLogprob]:
    for token, probability in zip(text.tokens, probabilities, strict=True):
        sign = tokenizer.tokenizer.id_to_token(token)
        yield TokenLogprob(token_bytes(sign), math.log(max(probability, LEAST_PROBABILITY)))


def _sharing_logprobs(words: tuple[Word, ...], text: WindowText) -> tuple[Word, ...]:
    """Each word with those of its tokens: the words' tokens, one after the other, are the text's."""
    rest = iter(text.logprobs)
    return tuple(replace(word, logprobs=tuple(islice(rest, len(word.tokens)))) for word in words)


def _word(entry: dict[str, Any], num_samples: int) -> Word:
    start, stop = (min(round(float(entry[end]) * SAMPLE_RATE), num_samples) for end in ("start", "end"))
    tokens = tuple(entry["tokens"])
    return Word(start, stop, entry["word"], round(float(entry["probability"]), 4), tokens)
