"""Where lines may break, and how wide they are."""

from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.spoken import CHINESE, INDIC, JAPANESE, LATIN, OTHERS, THAI
from tests.builders import segment, thorough, word
from utils.answers.line_breaks import MAX_LINE, columns, cut_long, is_right_to_left, may_break
from utils.answers.subtitles import make_cues

TOGETHER = """
well|-known $4|,500 3|.5 25|% don|'t example|.com 한국|어
字|。 字|、 字|” “|字 「|字 字|」 （|字 3|月 1|年 字|々 ト|ー き|ゃ コン|ピ 食|べる 字\u00a0|字 字|\u2060字
ก|ี เ|ก ก|า ก|ำ ป|ๆ ກ|ະ ແ|ກ မြ|န် မ|ာ က|၊ ស|្រ ក្|រ क्|ष क|ी
👨|\u200d 👨\u200d|👩 👍|🏽 ❤|\ufe0f 🇩|🇪
"""
APART = "字|幕 。|今 、|iPhone iPhone|を ます|東 」|と 字|“ 字|（ ค|น မ|မ ក|រ ភាសា\u200b|ខ្មែរ 😀|😀"


@pytest.mark.parametrize("pair", TOGETHER.replace("\n", " ").split(" ")[1:-1])
def test_what_belongs_together_is_not_broken(pair: str) -> None:
    before, _, after = pair.partition("|")
    assert not may_break(before, after, has_space=False)


@pytest.mark.parametrize("pair", APART.split())
def test_scripts_without_spaces_break_between_characters(pair: str) -> None:
    before, _, after = pair.partition("|")
    assert may_break(before, after, has_space=False)


@pytest.mark.parametrize(
    "pair",
    ["va|?", "so|!", "«|viens", "viens|»", "1|000", "12 000|000.", "10|%", "so|–", "(|so", "¿|que", "x|।"],
)
def test_some_spaces_are_no_place_for_a_break(pair: str) -> None:
    before, _, after = pair.partition("|")
    assert not may_break(before, after, has_space=True)


@pytest.mark.parametrize(
    "pair",
    [
        *("and|the", "and|(so", "said|“yes”", "said|«yes»", "sagt|»ja«", "»ja«|sagt", "sa|”ja”", "”ja”|sa"),
        *("dit|«", "»|dit", "2016|300", "in 3|4567", 'and|"so"'),
    ],
)
def test_other_spaces_are(pair: str) -> None:
    before, _, after = pair.partition("|")
    assert may_break(before, after, has_space=True)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("e\u0301", 1),
        ("字", MAX_LINE / 16),
        ("ｱ", 1),
        ("안녕", MAX_LINE / 8),
        ("ที่", 1),
        ("\u200e", 0),
        ("👩\u200d👩", MAX_LINE / 16),
    ],
)
def test_columns(text: str, width: float) -> None:
    assert columns(text) == width


@thorough
@given(st.one_of(st.text(), st.text(alphabet="ab字ที่์\u0301\u200d👩🇩 -/.", max_size=200)))
def test_parts_of_what_is_too_long_fit(text: str) -> None:
    cuts = [0, *cut_long(text), len(text)]
    assert cuts == sorted(set(cuts)) or not text
    assert all(columns(text[first:last].rstrip()) <= MAX_LINE for first, last in pairwise(cuts))
    clusters = {found.start() for found in regex.finditer(r"\X", text) if columns(found[0]) <= MAX_LINE}
    assert set(cuts[1:-1]) <= clusters or any(
        columns(found) > MAX_LINE for found in regex.findall(r"\X", text)
    )


def test_what_is_too_long_is_cut_where_it_shows_least() -> None:
    address = "https://example.com/some/very/long/path-with-hyphens/and?query=1&other=22222222"
    first, *_ = cut_long(address)
    assert address[first - 1] in "/-"


@pytest.mark.parametrize(
    ("text", "expected"), [("«سلام», he", True), ("1 שלום", True), ("so سلام", False), ("1", False)]
)
def test_direction(text: str, expected: bool) -> None:
    assert is_right_to_left(text) == expected


def lines_of(pieces: list[str]) -> list[str]:
    """The lines of what is said in one go, without hurry."""
    said = [word(text, n * 0.3, n * 0.3 + 0.3, space="") for n, text in enumerate(pieces)]
    return [line for cue in make_cues([segment(said)], said[-1].stop, lambda _: "") for line in cue.lines]


def pieces_of(script: tuple[str, ...], first: str) -> st.SearchStrategy[list[str]]:
    fitting = [text for text in script if columns(text) <= MAX_LINE / 2]
    return st.lists(st.sampled_from(fitting), min_size=20, max_size=80).map(lambda rest: [first, *rest])


@thorough
@given(pieces_of(LATIN + OTHERS, " so"))
def test_words_are_whole(pieces: list[str]) -> None:
    words = "".join(pieces).split()
    long = [text for text in words if columns(text) > MAX_LINE]
    if not long:
        assert [text for line in lines_of(pieces) for text in line.split()] == words


NEVER_FIRST = regex.compile(r"[\p{M}.,:;!?%)\]}»”’、。，？！）」』ーゃ々ะาำๆ။،؟]")
NEVER_LAST = regex.compile(r"[(\[{«“「（『เแโใไ]\Z")


@thorough
@given(
    st.one_of(
        pieces_of(CHINESE, "我"), pieces_of(JAPANESE, "朝"), pieces_of(THAI, "ส"), pieces_of(INDIC, " नमस्ते")
    )
)
def test_lines_begin_and_end_as_they_should(pieces: list[str]) -> None:
    for line in lines_of(pieces):
        if not regex.search(r"[\p{P}\p{M}ๆะา]{4}|[၊။।“「（เไ]{2}", line):  # marks alone can fill a line
            assert not NEVER_FIRST.match(line), (line, pieces)
            assert not NEVER_LAST.search(line) or line.endswith(pieces[-1]), (line, pieces)
