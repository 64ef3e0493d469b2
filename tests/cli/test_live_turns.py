"""What is left of the events of a live session for a screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.live.turns import TRANSCRIPTION, Line, Turns, lines_of, told

ITEMS = st.sampled_from(["item_1", "item_2"])
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


def delta(text: str, interim: str | None = None, item: str = "item_1") -> dict[str, Any]:
    return {"type": f"{TRANSCRIPTION}delta", "item_id": item, "delta": text, "interim": interim}


def segment(id_: str, speaker: str, text: str, item: str = "item_1") -> dict[str, Any]:
    kind = f"{TRANSCRIPTION}segment"
    return {"type": kind, "item_id": item, "id": id_, "speaker": speaker, "text": text}


def completed(text: str, item: str = "item_1") -> dict[str, Any]:
    return {"type": f"{TRANSCRIPTION}completed", "item_id": item, "transcript": text}


EVENTS = st.lists(
    st.one_of(
        st.builds(delta, WORDS, st.none() | WORDS, ITEMS),
        st.builds(segment, WORDS, WORDS, WORDS, ITEMS),
        st.builds(completed, WORDS, ITEMS),
        st.fixed_dictionaries({"type": WORDS}, optional={"item_id": ITEMS, "delta": WORDS}),
    )
)


def after(events: Iterable[dict[str, Any]]) -> tuple[list[Line], list[Line]]:
    """Complete lines, and open ones."""
    turns: Turns = {}
    complete: list[Line] = []
    for event in events:
        turns, lines = told(turns, event)
        complete += lines
    return complete, lines_of(turns)


def test_words_are_open_until_the_turn_is_completed() -> None:
    events = [delta("Good", " mor"), delta(" morning", ""), delta("", " ever")]
    assert after(events) == ([], [Line("Good morning", unsettled=" ever")])
    assert after([*events, completed("Good morning, everyone.")]) == ([Line("Good morning, everyone.")], [])


def test_words_take_their_speakers_when_those_are_known() -> None:
    events = [delta("Shall we? Yes. I"), segment("s1", "A", "Shall we?"), segment("s2", "B", "Yes.")]
    labelled = [Line("Shall we?", "A"), Line("Yes.", "B")]
    assert after(events) == ([], [*labelled, Line("I")])
    assert after([*events, completed("Shall we? Yes, I")]) == (labelled, [])


def test_the_words_of_a_transcript_say_who_speaks_where() -> None:
    told = [delta("Shall we? Yes. I do"), segment("s1", "A", "Shall we? Yes.")]
    words = [("Shall", "A"), ("we?", "A"), ("Yes,", "B"), ("I", "B"), ("do.", "B")]
    end = completed("Shall we? Yes, I do.")
    named = end | {"words": [{"word": word, "speaker": speaker} for word, speaker in words]}
    assert after([*told, named]) == ([Line("Shall we?", "A"), Line("Yes, I do.", "B")], [])
    assert after([*told, end | {"words": named["words"][:2]}]) == ([Line("Shall we? Yes, I do.", "A")], [])


def test_a_corrected_label_replaces_the_former() -> None:
    events = [segment("s1", "A", "Shall we?"), segment("s2", "B", "Yes."), segment("s2", "A", "Yes.")]
    assert after(events) == ([], [Line("Shall we? Yes.", "A")])
    assert after([*events, completed("Shall we? Yes!")]) == ([Line("Shall we? Yes!", "A")], [])


def test_nobody_says_a_word_in_an_empty_turn() -> None:
    assert after([completed("")]) == ([], [])


def test_turns_are_shown_in_the_order_in_which_they_began() -> None:
    events = [delta("one", item="item_1"), delta("two", item="item_2"), delta(" more", item="item_1")]
    assert after(events) == ([], [Line("one more"), Line("two")])
    assert after([*events, completed("Two.", "item_2")]) == ([Line("Two.")], [Line("one more")])


def test_a_turn_that_failed_says_so() -> None:
    failed = {"type": f"{TRANSCRIPTION}failed", "item_id": "item_1", "error": {"message": "It broke."}}
    assert after([delta("one"), failed]) == ([Line("[not transcribed: It broke.]")], [])


@given(EVENTS)
def test_no_event_brings_control_characters_to_the_screen(events: list[dict[str, Any]]) -> None:
    complete, still_open = after(events)
    shown = "".join(line.text + line.speaker + line.unsettled for line in complete + still_open)
    assert "Cc" not in set(map(unicodedata.category, shown))


@given(st.lists(WORDS), st.data())
def test_all_that_is_settled_is_shown_once_whoever_said_it(words: list[str], data: st.DataObject) -> None:
    words = [word for word in ("".join(filter(str.isalnum, word)) for word in words) if word]
    known = data.draw(st.integers(0, len(words)))
    events = [delta(f" {word}") for word in words]
    events += [
        segment(f"s{n}", data.draw(st.sampled_from("AB")), word) for n, word in enumerate(words[:known])
    ]
    complete, still_open = after(events)
    assert not complete
    assert " ".join(line.text for line in still_open).split() == words


@given(EVENTS)
def test_completed_turns_leave_nothing_open(events: list[dict[str, Any]]) -> None:
    named = [event for event in events if event["type"].startswith(TRANSCRIPTION)]
    assert after([*named, completed("", "item_1"), completed("", "item_2")])[1] == []
