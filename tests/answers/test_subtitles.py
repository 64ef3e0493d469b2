"""Cues that can be read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

from models import Segment, Word, seconds
from tests.builders import segment, word, words
from utils.answers.subtitles import Cue, make_cues


def no_label(_: int | None) -> str:
    return ""


def letter(speaker: int | None) -> str:
    return f"Speaker {'ABC'[speaker or 0]}: "


def cues_of(*said: list[Word], end: float = 60.0, speakers: str = "") -> list[tuple[float, float, str]]:
    """Start, stop and text of the cues of one segment for each list of words."""
    numbers = ["ABC".index(speaker) for speaker in speakers] if speakers else [None] * len(said)
    segments = [segment(of, number) for of, number in zip(said, numbers, strict=True)]
    cues = make_cues(segments, seconds(end), letter if speakers else no_label)
    return [(cue.start / 16_000, cue.stop / 16_000, "\n".join(cue.lines)) for cue in cues]


def texts(of: list[Word]) -> list[str]:
    return [text for _, _, text in cues_of(of)]


def spelled(text: str, each: float = 0.2) -> list[Word]:
    """A word for every character, as the recogniser gives them in scripts without spaces."""
    return [word(sign, n * each, (n + 1) * each, space="") for n, sign in enumerate(text)]


def test_two_lines_are_about_as_long() -> None:
    said = words("We shall fight on the beaches, we shall fight again.", each=0.3)
    assert texts(said) == ["We shall fight on the beaches,\nwe shall fight again."]


def test_a_long_sentence_breaks_at_its_clause() -> None:
    said = "Although the committee had met several times over the winter, nobody in the room knew why."
    first, second = texts(words(said, each=0.3))
    assert first.endswith("winter,")
    assert second.startswith("nobody")


def test_a_pause_ends_a_cue() -> None:
    said = [word("so", 0, 1), word("then", 2, 3), word("he", 4.1, 5)]
    assert texts(said)[-1] == "he"
    assert texts(words("so then he")) == ["so then he"]


def test_sentences_have_cues_of_their_own_if_there_is_time_to_read_them() -> None:
    assert cues_of(words("We met again.", 1), words("Nobody knew why.", 2.4)) == [
        (1.0, 2.2, "We met again."),
        (2.4, 3.6, "Nobody knew why."),
    ]
    assert cues_of([word("No.", 1, 1.1)], [word("Yes.", 1.4, 1.5)]) == [(1.0, 2.0, "No. Yes.")]


def test_who_speaks_at_once_is_read_at_once() -> None:
    """Both when they speak: in two channels, segments are long."""
    long = words("I wanted to tell you that the goods which you ordered will come on Monday.", 0.45, each=0.4)
    assert cues_of(long, [word("Yes.", 1.25, 1.7)], [word("Yes.", 4.5, 4.7)], speakers="ABB") == [
        (0.45, 3.65, "Speaker A: I wanted to\ntell you that the goods"),
        (1.25, 2.25, "Speaker B: Yes."),
        (3.65, 6.45, "Speaker A: which you\nordered will come on Monday."),
        (4.5, 5.5, "Speaker B: Yes."),
    ]


def test_channels_without_names_may_overlap_too() -> None:
    first, second = cues_of(words("I wanted to tell you this.", 0), words("Oh yes of course.", 0.7))
    assert (first[0], second[0]) == (0.0, 0.7)


def test_no_cue_ends_after_the_recording() -> None:
    assert cues_of([word("Yes.", 0.132, 0.7)], end=0.75) == [(0.0, 0.75, "Yes.")]
    assert cues_of([word("Yes.", 9.2, 9.5)], end=10.0) == [(9.0, 10.0, "Yes.")]
    assert cues_of([word("Yes.", 9.9, 10.4)], end=10.0) == [(9.4, 10.0, "Yes.")]


def test_what_is_said_quickly_may_begin_early_or_delay_what_comes_slowly() -> None:
    quick = [word("q" * 42, 5.0, 5.1), word("r" * 42, 5.1, 5.2)]
    slow = [word("s" * 42, 5.2, 9.0), word("t" * 20, 9.0, 11.0)]
    (early, _, first), (late, _, second) = cues_of([*quick, *slow])
    assert (early, late) == (4.5, 5.7)
    assert first == "q" * 42 + "\n" + "r" * 42
    assert second == "s" * 42 + "\n" + "t" * 20


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (" They| say| it| will| cost| about| $4|,500| to| repair| the| old| roof.", "$4,500"),
        (" The| new| owner| of| it| is| a| well|-known| writer| from| the| north.", "well-known"),
        (" Die| Donau|dampf|schiff|fahrts|gesell|schaft| fährt| auch.", "Donaudampfschifffahrtsgesellschaft"),
        (" Sie| finden| das| alles| unter| www|.example|.com|/de| im| Netz.", "www.example.com/de"),
        (" Es| waren| wohl| ungefähr| zweimal| 1| 200| 000| Menschen| dort.", "1 200 000"),
    ],
)
def test_words_in_pieces_stay_whole(pieces: str, whole: str) -> None:
    said = [word(text, n * 0.3, (n + 1) * 0.3, space="") for n, text in enumerate(pieces.split("|"))]
    assert any(whole in line for text in texts(said) for line in text.split("\n"))


def test_full_width_lines_hold_16_characters() -> None:
    said = "朝早く起きて、コンピューターの電源を入れてから新聞を読みました。その後で東京駅に行きました。"
    lines = [line for text in texts(spelled(said)) for line in text.split("\n")]
    assert "".join(lines) == said
    assert all(len(line) <= 16 for line in lines)
    assert not any(line.startswith(("、", "。", "ー", "ュ")) for line in lines)


def test_thai_breaks_before_no_vowel_sign() -> None:
    said = "สวัสดีครับวันนี้เราจะมาพูดถึงเรื่องที่น่าสนใจมากที่สุดเรื่องหนึ่งในประเทศของเรา" * 2
    lines = [line for text in texts(spelled(said, 0.1)) for line in text.split("\n")]
    assert "".join(lines) == said
    assert not any(line.startswith(tuple("ะาำิีึืุู่้๊๋์ั")) or line.endswith(tuple("เแโใไ")) for line in lines)


def test_a_name_takes_room_and_a_line_of_its_own_before_a_long_word() -> None:
    (cue,) = make_cues([segment([word("w" * 35, 0, 2)], 1)], seconds(9), letter)
    assert cue.lines == ("Speaker B:", "w" * 35)


def test_a_name_before_what_runs_from_the_right_goes_there_too() -> None:
    (cue,) = make_cues([segment(words("مرحبا بكم"), 0)], seconds(9), letter)
    assert cue.lines == ("\u200fSpeaker A: مرحبا بكم",)


def test_times_of_a_segment_without_words_are_estimated() -> None:
    bare = Segment(0, seconds(20), " so" * 60, (), (), 0, 0.0, -0.1, 1.0, 0.0)
    cues = list(make_cues([bare], seconds(30), no_label))
    assert " ".join(line for cue in cues for line in cue.lines) == ("so " * 60).strip()
    assert all(2 <= (cue.stop - cue.start) / 16_000 <= 7 for cue in cues)


def test_nothing_said_has_no_cues() -> None:
    assert not list(make_cues([], 16_000, no_label))
    for invisible in (" ", "\x00", "\u200d", "\u200e"):
        assert cues_of([word(invisible, 0, 1)]) == []


def test_cues_come_one_by_one_in_little_memory() -> None:
    def week() -> Iterator[Segment]:
        for n in range(60_000):
            yield segment(words("So he went on and on.", n * 10.0), n % 3)

    tracemalloc.start()
    first = list(islice(make_cues(week(), seconds(600_000), letter), 300))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first[0] == Cue(0, seconds(2.4), ("Speaker A: So he went on and on.",))
    assert len(first) == 300
    assert peak < 2_000_000
