"""The kinds of work that requests have for the recogniser, each run in batches."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np

from exceptions import ModelFailedError
from models import Span, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from utils.waiting.fair_queue import Flow
from utils.words.temperature_ladder import next_rung, settle

R = TypeVar("R")

NOTHING = EncodedWindow(np.zeros((0, 0), np.float32), 0)


@dataclass(slots=True, eq=False)
class Job(ABC, Generic[R]):
    """One window of a request, and the future that its caller awaits."""

    flow: Flow
    future: asyncio.Future[R] = field(default_factory=asyncio.Future, kw_only=True)

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Equal for jobs that may share a batch."""

    @staticmethod
    @abstractmethod
    def run(model: Recogniser, jobs: Sequence[Any]) -> Sequence[Any]:
        """The results of a batch, in one step of the model."""

    @property
    def is_over(self) -> bool:
        """Whether it has a result or an error, or its caller has left."""
        return self.future.done()

    def take(self, result: Any) -> None:
        """Takes the result of a step, usually the last."""
        if not self.is_over:
            self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        if self.is_over:
            return
        if is_out_of_memory(error):
            failure = ModelFailedError("The device has no memory left for one window of this recording.")
            failure.__cause__ = error
            error = failure
        self.future.set_exception(error)


@dataclass(slots=True, eq=False)
class Encoding(Job[EncodedWindow]):
    """Of a window that will be decoded with `options`; of one without samples it is `NOTHING`."""

    read: Callable[[], WindowFeatures]
    options: DecodeOptions

    @property
    def key(self) -> Hashable:
        """The encoder takes any windows together; but what is encoded together can then be decoded together,
        so that full batches need few encoded windows."""
        return _shared_options(self.options)

    @staticmethod
    def run(model: Recogniser, jobs: Sequence[Encoding]) -> Sequence[EncodedWindow]:
        windows = [job.read() for job in jobs]
        heard = [window for window in windows if window.num_samples]
        encoded = iter(model.encode(heard) if heard else ())
        return [next(encoded) if window.num_samples else NOTHING for window in windows]


@dataclass(slots=True, eq=False)
class Detection(Job[Mapping[str, float]]):
    """Of the language of an encoded window."""

    window: EncodedWindow

    @property
    def key(self) -> Hashable:
        return Detection

    @staticmethod
    def run(model: Recogniser, jobs: Sequence[Detection]) -> Sequence[Mapping[str, float]]:
        return [model.language_probabilities(job.window) for job in jobs]


@dataclass(slots=True, eq=False)
class PartsDetection(Job[Sequence[Mapping[str, float]]]):
    """Of the languages of the parts of an encoded window."""

    window: EncodedWindow
    parts: Sequence[Span]

    @property
    def key(self) -> Hashable:
        return PartsDetection

    @staticmethod
    def run(model: Recogniser, jobs: Sequence[PartsDetection]) -> Sequence[Sequence[Mapping[str, float]]]:
        return [model.languages_of_parts(job.window, job.parts) for job in jobs]


@dataclass(slots=True, eq=False)
class Decoding(Job[WindowText]):
    """One step is one rung of the temperature ladder; without `retries` there is only one."""

    window: EncodedWindow
    options: DecodeOptions
    words: bool
    retries: bool
    temperature: float  # of the next step
    tries: list[WindowText] = field(default_factory=list)

    @property
    def key(self) -> Hashable:
        """CTranslate2 needs windows of equal length."""
        return _shared_options(self.options), self.words, self.temperature, len(self.window.states)

    @staticmethod
    def run(model: Recogniser, jobs: Sequence[Decoding]) -> Sequence[WindowText]:
        windows, options = [job.window for job in jobs], [job.options for job in jobs]
        return model.decode(windows, options, jobs[0].words, jobs[0].temperature)

    def take(self, result: WindowText) -> None:
        self.tries.append(result)
        rung = next_rung(self.tries, self.options.temperature) if self.retries else None
        if rung is None:
            Job.take(self, settle(self.tries))
        else:
            self.temperature = rung


def _shared_options(options: DecodeOptions) -> DecodeOptions:
    """Equal for windows that can be decoded together. CTranslate2 needs prompts of equal length; without
    prompts the languages may differ (`test_engine` compares the results)."""
    return options if options.prompt or options.keywords else replace(options, language=None, languages=())


def is_out_of_memory(error: Exception) -> bool:
    """CTranslate2 raises a plain RuntimeError, "CUDA failed with error out of memory"."""
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
