"""The punctuation stage, over a model that knows its words from a table."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from exceptions import ModelUnavailableError
from models import Segment
from seams import MarkLabeller
from services.punctuation_service import PunctuationService
from tests.builders import segment, words
from tests.fakes import MemorisedLabeller
from utils.model_manager import ModelSlot, ModelSource
from utils.words.punctuation import LONGEST_UNMARKED, WINDOW

Serve = Callable[[MarkLabeller], PunctuationService]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    slots: list[ModelSlot[MarkLabeller]] = []

    def made(labeller: MarkLabeller) -> PunctuationService:
        slots.append(ModelSlot("punctuation", ModelSource("memorised", lambda: labeller)))
        return PunctuationService(slots[-1], frozenset({"en"}))

    yield made
    for slot in slots:
        slot.close()


def without_words(of: Segment) -> Segment:
    return replace(of, words=())


async def test_a_sentence_is_a_segment_again(serve: Serve) -> None:
    plain = segment(words("who are you i am bob"))
    restored = await serve(MemorisedLabeller({"you": "?", "bob": "."})).restore([plain], "en")
    assert [part.text for part in restored] == [" Who are you?", " I am bob."]
    assert [(part.start, part.stop) for part in restored] == [(0, 19_200), (19_200, 38_400)]
    spoken = [word for part in restored for word in part.words]
    assert [replace(word, text="") for word in spoken] == [replace(word, text="") for word in plain.words]
    assert {part.avg_logprob for part in restored} == {plain.avg_logprob}


async def test_segments_without_words_get_marks_and_stay_whole(serve: Serve) -> None:
    bare = without_words(segment(words("who are you i am bob")))
    restored = await serve(MemorisedLabeller({"you": "?", "bob": "."})).restore([bare], "en")
    assert restored == [replace(bare, text=" Who are you? I am bob.")]


async def test_each_segment_is_restored_in_its_own_language(serve: Serve) -> None:
    plain = segment(words("who are you i am bob"))
    english, spanish = replace(plain, language="en"), replace(plain, language="es")
    labeller = MemorisedLabeller({"you": "?", "bob": "."})
    restored = await serve(labeller).restore([spanish, english, spanish], None)
    assert [part.text for part in restored] == [spanish.text, " Who are you?", " I am bob.", spanish.text]
    assert [part.language for part in restored] == ["es", "en", "en", "es"]


async def test_text_with_marks_is_never_given_to_the_model(serve: Serve) -> None:
    labeller = MemorisedLabeller({"you": "?"})
    segments = [segment(words("Well, it is you I mean.")), segment(words("and you"))]
    assert await serve(labeller).restore(segments, "en") == segments
    assert await serve(labeller).restore([], "en") == []
    assert labeller.windows == []


async def test_a_language_that_the_model_does_not_know_is_never_given_to_it(serve: Serve) -> None:
    labeller = MemorisedLabeller({"tú": "?"})
    segments = [segment(words("quién eres tú"))]
    assert await serve(labeller).restore(segments, "es") == segments
    assert labeller.windows == []


async def test_a_bad_stretch_is_restored_amid_good_text_which_is_not_touched(serve: Serve) -> None:
    good = segment(words("Here, bob."))
    bad = segment(words("i see you " * LONGEST_UNMARKED))
    restored = await serve(MemorisedLabeller({"you": ".", "bob": "?"})).restore([good, bad, good], "en")
    assert restored[0] is good
    assert restored[-1] is good
    assert {part.text for part in restored[1:-1]} == {" I see you."}


async def test_long_text_is_shown_in_windows(serve: Serve) -> None:
    labeller = MemorisedLabeller({"you": "."})
    text = segment(words("i see you " * WINDOW))
    restored = await serve(labeller).restore([text], "en")
    assert [part.text for part in restored] == [" I see you."] * WINDOW
    assert max(len(window) for window in labeller.windows) == WINDOW


async def test_a_second_time_changes_nothing(serve: Serve) -> None:
    service = serve(MemorisedLabeller({"you": "?", "bob": "."}))
    for plain in (segment(words("who are you i am bob")), without_words(segment(words("are you bob")))):
        once = await service.restore([plain], "en")
        assert await service.restore(once, "en") == once


async def test_a_model_that_fails_leaves_the_text_and_does_not_log_it(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    segments = [segment(words("my secret plan"))]
    with caplog.at_level(logging.WARNING):
        assert await serve(MemorisedLabeller({}, fails=True)).restore(segments, "en") == segments
    assert "out of memory" in caplog.text
    assert "secret" not in caplog.text


async def test_a_model_that_cannot_be_loaded_is_reported() -> None:
    def missing() -> MarkLabeller:
        raise ModelUnavailableError("no such model")

    slot: ModelSlot[MarkLabeller] = ModelSlot("punctuation", ModelSource("missing", missing))
    try:
        with pytest.raises(ModelUnavailableError):
            await PunctuationService(slot, frozenset({"en"})).restore([segment(words("so it is"))], "en")
    finally:
        slot.close()
