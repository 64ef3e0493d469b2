"""A CTC model of the wav2vec 2.0 family (Baevski et al. 2020, arXiv:2006.11477): where letters are said."""

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
NEEDED = ("config.json", "vocab.json")
FAINTEST = 1e-7  # added to a variance, as the models' own preprocessor does


class CtcAligner:
    """Keeps nothing between calls; whatever it returns can be pickled."""

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
        """Where in `audio`, in samples, each token is said; None where they cannot fit. Some 30 s at most.

        Raises ModelFailedError.
        """
        try:
            frames = self._log_probabilities(audio)
        except RuntimeError as error:
            raise ModelFailedError("The alignment model failed.") from error
        spans = align_tokens(frames, tokens, self._blank)
        return spans and tuple(self._in_samples(span, len(audio)) for span in spans)

    def _log_probabilities(self, audio: Audio) -> LogProbabilities:
        """(T, V), one row for every stride of samples."""
        import torch

        if self._normalises and len(audio):
            audio = (audio - audio.mean()) / np.sqrt(audio.var() + FAINTEST)
        samples = np.pad(audio, (0, max(0, self._width - len(audio))))
        with torch.inference_mode():
            batch = torch.from_numpy(samples.astype(np.float32))[None].to(self._network.device)
            logits: torch.Tensor = self._network(batch).logits[0].float()
            return np.asarray(torch.log_softmax(logits, dim=-1).cpu().numpy(), np.float32)

    def _in_samples(self, span: TokenSpan, num_samples: int) -> TokenSpan:
        """A frame stands for the `stride` samples in the middle of those that it hears."""
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
            f"{', '.join(NEEDED)} and {WEIGHTS[0]}, or the id of such a model on the Hugging Face hub that "
            f"is in the local cache or can be fetched."
        ) from error
    if not hasattr(network.config, "conv_stride"):
        raise ModelUnavailableError(
            f"The alignment model '{model}' is a {network.config.model_type} model; one of the wav2vec 2.0 "
            f"family (wav2vec2, hubert, wavlm, ...) is needed."
        )
    return CtcAligner(
        network.eval().to(device), _alphabet(tokenizer), _blank(tokenizer, network.config), normalises
    )


def _check_folder(folder: Path) -> None:
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        missing.append(WEIGHTS[0])
    if missing:
        raise ModelUnavailableError(f"The alignment model's folder {folder} lacks {', '.join(missing)}.")


def _normalises(model: str) -> bool:
    """Whether it was trained on audio of zero mean and unit variance, as most were: so where it is silent."""
    from transformers import AutoFeatureExtractor

    try:
        return bool(AutoFeatureExtractor.from_pretrained(model).do_normalize)
    except OSError:
        return True


def _alphabet(tokenizer: Any) -> Alphabet:
    """Every token of one character; words may be delimited by one of them, mostly `|`."""
    vocabulary: dict[str, int] = dict(tokenizer.get_vocab())
    separator = vocabulary.pop(getattr(tokenizer, "word_delimiter_token", None) or "", None)
    return Alphabet({sign: token for sign, token in vocabulary.items() if len(sign) == 1}, separator)


def _blank(tokenizer: Any, config: Any) -> int:
    """transformers takes the padding for the blank; where a vocabulary names a blank, that is it."""
    return int(tokenizer.get_vocab().get("<blank>", config.pad_token_id))


def _receptive_field(config: Any) -> int:
    """Samples that one frame hears."""
    width, stride = 1, 1
    for kernel, step in zip(config.conv_kernel, config.conv_stride, strict=True):
        width += (kernel - 1) * stride
        stride *= step
    return width


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
