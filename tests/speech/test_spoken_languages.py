"""Which language is spoken when, given what each stretch of speech sounds like."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Span, seconds
from tests.builders import thorough
from utils.speech.spoken_languages import MIN_SPEECH, Stretch, latest, settled_language, spoken_languages

Said = tuple[str, float, float]  # language, its probability, seconds

CODES = ("de", "en", "fr", "ru")


def stretches(said: Sequence[Said], pause: float = 0.6) -> list[Stretch]:
    """One after the other; what is left of the probability is that of Welsh."""
    made: list[Stretch] = []
    for code, probability, length in said:
        start = made[-1].span.stop + seconds(pause) if made else 0
        probabilities = {"cy": 1 - probability, code: probability}
        made.append(Stretch(Span(start, start + seconds(length)), probabilities))
    return made


def spoken(said: Sequence[Said], *before: str, is_start: bool = False) -> str:
    return " ".join(spoken_languages(stretches(said), before, is_start))


saids = st.lists(st.tuples(st.sampled_from(CODES), st.floats(0.3, 1.0), st.floats(0.1, 4.0)), max_size=12)


def test_turns_in_three_languages_are_told_apart() -> None:
    turns: list[Said] = [
        ("de", 0.9, 4.0),
        ("fr", 0.9, 3.5),
        ("fr", 0.7, 3.0),
        ("en", 0.95, 3.5),
        ("de", 0.9, 3),
    ]
    assert spoken(turns, "de") == "de fr fr en de"


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (("fr", 0.99, 1.5), "de de de"),  # too short
        (("fr", 0.99, 2.5), "de de de"),  # of a language that nobody has spoken yet
        (("en", 0.99, 2.9), "de en de"),
        (("fr", 0.3, 3.0), "de de de"),  # unsure
        (("nl", 0.99, 3.5), "de de de"),  # German is easily taken for it
        (("nl", 0.99, 4.0), "de de de"),
    ],
)
def test_another_language_must_be_heard_long_and_surely(odd: Said, expected: str) -> None:
    assert spoken([("de", 0.95, 4.0), odd, ("de", 0.95, 4.0)], "en", "de") == expected


def test_languages_that_are_easily_confused_change_for_much_evidence_only() -> None:
    danish = [Stretch(each.span, {"no": 0.6, "da": 0.3}) for each in stretches([("no", 0.6, 4.0)] * 6)]
    assert set(spoken_languages(danish, ["da"])) == {"da"}
    assert spoken([("no", 0.99, 4.0)] * 6, "da") == " ".join(["no"] * 6)


def test_at_the_start_the_guess_holds_for_nothing_that_sounds_otherwise() -> None:
    said: list[Said] = [("en", 0.9, 0.9), ("de", 0.9, 3.0), ("en", 0.99, 4.0)]
    assert spoken(said, "en", is_start=True) == "de de en"
    assert spoken([("en", 0.5, 0.5)], "fr", is_start=True) == "fr"


def test_what_is_unsure_belongs_to_what_it_follows_without_a_pause() -> None:
    said = stretches([("de", 0.95, 4.0), ("la", 0.4, 1.2), ("fr", 0.95, 3.5)])
    before, unsure, after = said
    late = Span(after.span.start - seconds(1.4), after.span.start - seconds(0.2))
    assert spoken_languages([before, Stretch(late, unsure.probabilities), after], ["de"]) == [
        "de",
        "fr",
        "fr",
    ]


@thorough
@given(saids, st.sampled_from(CODES))
def test_one_language_stays_however_unsure_it_sounds(said: list[Said], code: str) -> None:
    one = [(code, max(probability, 0.5), length) for _, probability, length in said]
    assert set(spoken_languages(stretches(one), [code])) <= {code}


@thorough
@given(saids, st.sampled_from(CODES), st.booleans())
def test_whoever_is_heard_is_heard_for_a_while(said: list[Said], before: str, is_start: bool) -> None:
    heard = stretches(said)
    path = spoken_languages(heard, [before], is_start)
    assert len(path) == len(heard)
    assert set(path) <= {before, "cy", *(code for code, _, _ in said)}
    runs = [[n for n, _ in run] for _, run in groupby(enumerate(path), key=lambda pair: pair[1])]
    for run in runs[not is_start and path[:1] == [before] :]:
        length = sum(heard[n].span.num_samples for n in run)
        assert length >= MIN_SPEECH or len(runs) == 1


@pytest.mark.parametrize(
    ("alone", "expected"),
    [
        ({"fr": 0.9, "de": 0.05}, "fr"),
        ({"it": 0.9, "de": 0.05}, "it"),  # surer than what it was taken for
        ({"fr": 0.6, "de": 0.3}, "de"),
        ({"uk": 0.8, "ru": 0.1, "de": 0.0}, "ru"),  # which was spoken before
        ({"en": 0.3, "ru": 0.3, "zh": 0.3}, "fr"),  # unsure: what the stretches say
        ({"de": 0.7, "fr": 0.3}, "de"),
    ],
)
def test_a_run_is_in_the_language_that_it_has_alone(alone: dict[str, float], expected: str) -> None:
    run = stretches([("fr", 0.95, 4.0)])
    assert settled_language(run, "fr", alone, ("ru", "de")) == expected


def test_languages_are_kept_in_the_order_of_their_last_use() -> None:
    assert latest(("de", "fr"), ["en", "de", "en"]) == ("fr", "de", "en")
    assert latest((), []) == ()
