"""A chunk's windows on the recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models import SAMPLE_RATE, Audio, Chunk, ChunkPart, Span, WindowText
from options import DecodeOptions, Task
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.window_recognition import MAX_PASSES
from services.whisper.work_queues import BatchSizes
from services.whisper_service import Encoded, WhisperService
from tests.fakes import ScriptedRecogniser
from utils.model_manager import ModelSlot, ModelSource
from utils.speech.contexts import Contexts, full_context, short_contexts
from utils.speech.missed_speech import MIN_MISSED
from utils.speech.speech_map import Probabilities, SpeechMap
from utils.waiting.progress import Progress
from utils.words.temperature_ladder import without_words

EVERYWHERE = np.ones(1000, np.float32)
WINDOWS = [Span(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE) for n in range(6)]


def nothing(span: Span) -> Audio:
    """Silence, so that only the recogniser decides what is said."""
    return np.zeros(span.num_samples, np.float32)


class Counting(ScriptedRecogniser):
    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += len(windows)
        return super().encode(windows)


async def test_what_was_encoded_for_its_language_is_not_encoded_again() -> None:
    model = Counting()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("counting", lambda: model))
    whisper = WhisperService(slot, BatchSizes())
    num_samples = 6 * SAMPLE_RATE
    encoded: Encoded = {}
    language = await whisper.detect_language(Progress("r"), nothing, WINDOWS, DecodeOptions(), encoded)
    assert (language, model.encoded) == ("en", 1)
    chunk = Chunk(0, 0, num_samples, Span(0, num_samples))
    speech = SpeechMap(0, num_samples, np.ones(6 * SAMPLE_RATE // 512, np.float32))
    options = DecodeOptions(language)
    heard = [
        h async for h in whisper.transcribe(Progress("r"), nothing, chunk, speech, WINDOWS, options, encoded)
    ]
    assert [part.until for part in heard] == [window.stop for window in WINDOWS]
    assert model.encoded == len(WINDOWS)
    slot.close()


class Doubting(ScriptedRecogniser):
    """Writes words, and says that nobody speaks."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [replace(text, no_speech_prob=0.9) for text in texts]


async def test_where_the_detector_hears_nobody_either_nothing_is_written() -> None:
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("doubting", Doubting))
    whisper = WhisperService(slot, BatchSizes())
    num_samples = 2 * SAMPLE_RATE
    chunk = Chunk(0, 0, num_samples, Span(0, num_samples))
    speech = SpeechMap(0, num_samples, np.repeat(np.array([0.1, 0.9], np.float32), (32, 30)))
    options = DecodeOptions("en")
    heard = [
        h async for h in whisper.transcribe(Progress("r"), nothing, chunk, speech, WINDOWS[:2], options, {})
    ]
    assert ["".join(segment.text for segment in part.segments) for part in heard] == ["", " w"]
    slot.close()


class Breaking(Counting):
    """Says the first three words of what it hears and no more."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [
            replace(text, text=text.text[:6], tokens=text.tokens[:3], words=text.words[:3]) for text in texts
        ]


async def test_what_a_broken_off_text_leaves_out_is_heard_again() -> None:
    model, window = Breaking(), Span(SAMPLE_RATE, 12 * SAMPLE_RATE)
    heard = await hear(model, window)
    ends = [word.stop for segment in heard.segments for word in segment.words]
    assert max(np.diff([window.start, *ends])) <= SAMPLE_RATE
    assert window.stop - ends[-1] < MIN_MISSED
    assert heard.until == window.stop
    assert model.encoded == 4


class Jumping(Counting):
    """Leaves out the fifth to the eighth second of a long window, and stretches the ninth over them."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [_jumping(text) if len(text.words) > 10 else text for text in texts]


def _jumping(text: WindowText) -> WindowText:
    words = (*text.words[:4], replace(text.words[8], start=text.words[3].stop), *text.words[9:])
    return replace(text, text="".join(word.text for word in words), words=words)


async def test_what_a_text_jumps_over_is_heard_again() -> None:
    model = Jumping()
    heard = await hear(model, Span(0, 12 * SAMPLE_RATE))
    starts = [word.start for segment in heard.segments for word in segment.words]
    assert starts == sorted(starts)
    assert max(np.diff(starts)) < 1.5 * SAMPLE_RATE
    assert model.encoded == 3  # the window, what it jumps over, and what is left of that


class SilentAboutMuch(Counting):
    """Says nothing of what is longer than five seconds."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [without_words(text) if len(text.words) > 5 else text for text in texts]


async def test_a_window_without_any_words_is_heard_again_in_halves() -> None:
    speech = np.ones(1000, np.float32)
    speech[120:140] = 0  # a pause around the fifth second
    heard = await hear(SilentAboutMuch(), Span(0, 8 * SAMPLE_RATE), probabilities=speech)
    assert sum(len(segment.words) for segment in heard.segments) == 8


async def test_a_translation_is_heard_again_only_after_its_last_word() -> None:
    for model, encoded in ((Jumping(), 1), (Breaking(), 5)):
        await hear(model, Span(0, 12 * SAMPLE_RATE), task=Task.TRANSLATE)
        assert model.encoded == encoded


async def test_a_text_that_always_breaks_off_has_an_end() -> None:
    model = Breaking()
    await hear(model, Span(0, 30 * SAMPLE_RATE))
    assert model.encoded == MAX_PASSES


async def hear(
    model: Recogniser,
    window: Span,
    contexts: Contexts = full_context,
    probabilities: Probabilities = EVERYWHERE,
    task: Task = Task.TRANSCRIBE,
) -> ChunkPart:
    """A window that is all speech, unless `probabilities` say otherwise."""
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("fake", lambda: model))
    whisper = WhisperService(slot, BatchSizes(), contexts)
    num_samples = 32 * SAMPLE_RATE
    chunk = Chunk(0, 0, num_samples, Span(0, num_samples))
    speech = SpeechMap(0, num_samples, probabilities)
    options = DecodeOptions("en", task=task)
    (heard,) = [
        part
        async for part in whisper.transcribe(Progress("r"), nothing, chunk, speech, [window], options, {})
    ]
    slot.close()
    return heard


class UnsureOfShort(ScriptedRecogniser):
    """Takes short windows for Arabic, though unsure, unless they are encoded at full length."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += [window.context // SAMPLE_RATE for window in windows]
        return super().encode(windows)

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        if self.encoded[-1] == 30:
            return {"en": 0.5, "ar": 0.2, "de": 0.1}
        return {"ar": 0.3, "en": 0.2, "de": 0.2}


@pytest.mark.parametrize(
    ("length", "candidates", "language", "encoded"),
    [
        (1, (), "en", [5, 30]),
        (4, ("de", "en"), "en", [8, 30]),
        (4, ("de", "ar"), "ar", [8]),  # sure of it among the candidates
        (6, (), "ar", [10]),
    ],
)
async def test_the_language_of_a_short_window_is_found_in_the_full_context_where_it_is_unsure(
    length: int, candidates: tuple[str, ...], language: str, encoded: list[int]
) -> None:
    model = UnsureOfShort()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("unsure", lambda: model))
    whisper = WhisperService(slot, BatchSizes(), short_contexts)
    num_samples = length * SAMPLE_RATE
    windows = [Span(0, num_samples)]
    options = DecodeOptions(languages=candidates)
    kept: Encoded = {}
    found = await whisper.detect_language(Progress("r"), nothing, windows, options, kept)
    assert (found, model.encoded) == (language, encoded)
    assert kept[windows[0]].result().num_samples == num_samples
    slot.close()


class Doubtful(ScriptedRecogniser):
    """Says one text, and another if it is encoded in ten seconds of silence; of each the log-probability."""

    def __init__(self, text: str, logprobs: tuple[float, float]) -> None:
        super().__init__()
        self.contexts: list[int] = []
        self._texts = (text, " Good morning.")
        self._logprobs = logprobs

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.contexts += [window.context // SAMPLE_RATE for window in windows]
        return super().encode(windows)

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        said, logprob = list(zip(self._texts, self._logprobs, strict=True))[self.contexts[-1] >= 12]
        tokens = (1, 2, 3, 4) if said else ()
        return [replace(t, text=said, tokens=tokens, words=(), avg_logprob=logprob) for t in texts]


@pytest.mark.parametrize(
    ("first", "logprobs", "said", "contexts"),
    [
        (" Good evening.", (-0.2, -0.1), " Good evening.", [6]),
        (" Good evening.", (-0.7, -0.3), " Good morning.", [6, 12]),
        (" Good evening.", (-0.7, -0.8), " Good evening.", [6, 12]),
        (" Good morning. Good morning.", (-0.2, -0.3), " Good morning.", [6, 12]),
        ("", (-0.2, -0.3), " Good morning.", [6, 12]),
    ],
)
async def test_a_doubtful_text_of_a_short_context_is_decoded_again_in_a_longer_one(
    first: str, logprobs: tuple[float, float], said: str, contexts: list[int]
) -> None:
    model = Doubtful(first, logprobs)
    heard = await hear(model, Span(0, 2 * SAMPLE_RATE), contexts=short_contexts)
    assert "".join(segment.text for segment in heard.segments) == said
    assert model.contexts == contexts
