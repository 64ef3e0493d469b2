"""Forced alignment with a CTC model of the wav2vec 2.0 family (Baevski et al. 2020, arXiv:2006.11477)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exceptions import ModelFailedError, ModelUnavailableError
from models import Audio
from utils.words.ctc_viterbi import LogProbabilities, TokenSpan, align_tokens
from utils.words.spelling import Alphabet

if TYPE_CHECKING:
    import torch

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")  # one of the two; never a pickle
REQUIRED = ("config.json", "vocab.json")
EPSILON = 1e-7  # added to the variance, as in the models' own preprocessor


class CtcAligner:
    """Stateless between calls; its results can be pickled."""

    def __init__(self, network: Any, alphabet: Alphabet, blank: int, normalises: bool) -> None:
        self._network = network
        self._alphabet = alphabet
        self._blank = blank
        self._normalises = normalises
        self._stride = math.prod(network.config.conv_stride)
        self._width = _receptive_field(network.config)

    def alphabet(self) -> Alphabet:
        return self._alphabet

    def align(self, audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...] | None:
        """Where in `audio`, in samples, each token is said; None if they do not fit. Takes some 30 s at most.

        Raises ModelFailedError.
        """
        try:
            frames = self._log_probabilities(audio)
        except RuntimeError as error:
            raise ModelFailedError("The alignment model failed.") from error
        spans = align_tokens(frames, tokens, self._blank)
        return spans and tuple(self._in_samples(span, len(audio)) for span in spans)

    def _log_probabilities(self, audio: Audio) -> LogProbabilities:
        """(T, V), one row per stride of samples."""
        import torch

        if self._normalises and len(audio):
            audio = (audio - audio.mean()) / np.sqrt(audio.var() + EPSILON)
        samples = np.pad(audio, (0, max(0, self._width - len(audio))))
        with torch.inference_mode():
            batch = torch.from_numpy(samples.astype(np.float32))[None].to(self._network.device)
            logits: torch.Tensor = self._network(batch).logits[0].float()
            return np.asarray(torch.log_softmax(logits, dim=-1).cpu().numpy(), np.float32)

    def _in_samples(self, span: TokenSpan, num_samples: int) -> TokenSpan:
        """A frame stands for the `stride` samples in the middle of its receptive field."""
        lead = (self._width - self._stride) // 2
        start, stop = (min(lead + frame * self._stride, num_samples) for frame in (span.start, span.stop))
        return TokenSpan(start, stop, span.score)


def load_ctc_aligner(model: str, device: str) -> CtcAligner:
    """`model` is a folder or a hub id. Raises ModelUnavailableError."""
    if Path(model).is_dir():
        _check_folder(Path(model))
    from safetensors import SafetensorError
    from transformers import AutoModelForCTC, AutoTokenizer

    try:
        network = AutoModelForCTC.from_pretrained(model, use_safetensors=True, dtype="float32")
        tokenizer = AutoTokenizer.from_pretrained(model)
        normalises = _normalises(model)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"The alignment model '{model}' cannot be loaded: {_first_line(error)} It must be a folder with "
            f"{', '.join(REQUIRED)} and {WEIGHTS[0]}, or the Hugging Face hub id of such a model that is "
            f"cached locally or can be downloaded."
        ) from error
    if not hasattr(network.config, "conv_stride"):
        raise ModelUnavailableError(
            f"The alignment model '{model}' is a {network.config.model_type} model; a model of the wav2vec "
            f"2.0 family (wav2vec2, hubert, wavlm, ...) is required."
        )
    return CtcAligner(
        network.eval().to(device), _alphabet(tokenizer), _blank(tokenizer, network.config), normalises
    )


def _check_folder(folder: Path) -> None:
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        missing.append(WEIGHTS[0])
    if missing:
        raise ModelUnavailableError(f"The alignment model folder {folder} lacks {', '.join(missing)}.")


def _normalises(model: str) -> bool:
    """Whether it was trained on audio of zero mean and unit variance; assumed if not stated, as most were."""
    from transformers import AutoFeatureExtractor

    try:
        return bool(AutoFeatureExtractor.from_pretrained(model).do_normalize)
    except OSError:
        return True


def _alphabet(tokenizer: Any) -> Alphabet:
    """All single-character tokens; one of them, usually `|`, may be the word separator."""
    vocabulary: dict[str, int] = dict(tokenizer.get_vocab())
    separator = vocabulary.pop(getattr(tokenizer, "word_delimiter_token", None) or "", None)
    return Alphabet({sign: token for sign, token in vocabulary.items() if len(sign) == 1}, separator)


def _blank(tokenizer: Any, config: Any) -> int:
    """`<blank>` if the vocabulary has one, else the padding token, which transformers uses as the blank."""
    return int(tokenizer.get_vocab().get("<blank>", config.pad_token_id))


def _receptive_field(config: Any) -> int:
    """Samples that one frame covers."""
    width, stride = 1, 1
    for kernel, step in zip(config.conv_kernel, config.conv_stride, strict=True):
        width += (kernel - 1) * stride
        stride *= step
    return width


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
