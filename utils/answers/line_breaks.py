"""How wide text is, and where a line of subtitles may break. Pure.

Breaks follow UAX #14, except that words are kept whole: no break at hyphens, slashes or in Korean words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import accumulate

import regex

MAX_LINE = 42  # columns
FULL_WIDTH = MAX_LINE / 16  # columns of a full-width character: 16 fill a line, as in Netflix's guides
ZERO_WIDTH = ("Mn", "Me", "Cf")
ZWJ = "\u200d"

SPACES = regex.compile(r"[^\S\u00a0\u2007\u202f]+")  # white space that is not meant to hold words together
VISIBLE = regex.compile(r"[^\p{Z}\p{C}]")
_REMOVED = regex.compile(r"[\p{Cc}\p{Cs}]+")
_CLUSTER = regex.compile(r"\X")

_UNSPACED = r"\p{lb=ID}\p{lb=CJ}\p{lb=EB}\p{lb=EM}\p{lb=SA}\p{lb=AK}\p{lb=AP}\p{lb=AS}"
"""Characters of scripts without spaces between words, and emoji."""
_CLOSING = (
    r"\p{M}\p{Pf}\p{lb=CL}\p{lb=CP}\p{lb=EX}\p{lb=NS}\p{lb=CJ}\p{lb=IS}\p{lb=SY}\p{lb=IN}\p{lb=PO}\p{lb=EM}"
    r"\p{lb=BA}\p{lb=GL}\p{lb=WJ}\p{lb=ZWJ}\p{lb=CM}ะาำๅๆฯະາຳຽໆຯ"
)
"""What begins no line: marks, and Thai and Lao letters that are part of the syllable before."""
_OPENING = r"\p{Pi}\p{lb=OP}\p{lb=PR}\p{lb=GL}\p{lb=WJ}\p{lb=ZWJ}\p{InCB=Linker}\p{Logical_Order_Exception}"
_ASCII_QUOTES = "\"'"  # they may open or close
_BREAK = regex.compile(
    rf"(?<![{_OPENING}{_ASCII_QUOTES}\p{{lb=NU}}])"
    rf"(?![{_CLOSING}{_ASCII_QUOTES}]|\p{{Lo}}\u103a)"  # in Burmese, a consonant that closes its syllable
    r"(?!(?<=[\p{Han}\p{Katakana}ー])\p{Hiragana}|(?<=[\p{Katakana}ー])\p{Katakana})"  # inside Japanese words
    rf"(?:(?<=[{_UNSPACED}\p{{ea=W}}\p{{ea=F}}--\p{{Hangul}}]\p{{M}}*)(?=\S)|(?<=\S)(?=[{_UNSPACED}])"
    r"|(?<=\u200b))",  # zero width space
    regex.VERSION1,
)
_MAY_START = regex.compile(rf"(?<![{_OPENING}])(?![{_CLOSING}])")
_INSIDE_LONG = regex.compile(r"(?<=[-‐–—/.,:;?&=_@\\ ])(?=[\p{L}\p{N}])")
_CLOSES = regex.compile(rf"(?!\p{{Pf}}[\p{{L}}\p{{N}}])[{_CLOSING}]|(?![\p{{Pi}}\p{{lb=OP}}])\p{{P}}+\Z")
_OPENS = regex.compile(r"(?<!\S)[\p{Pi}\p{lb=OP}]+\Z")
_DIGITS = regex.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})*\Z")
_THREE_DIGITS = regex.compile(r"\d{3}(?!\d)")
_PHRASE_END = regex.compile(r"(?<=\p{Hiragana})(?=[\p{Han}\p{Katakana}])")
_LETTER = regex.compile(r"\p{L}")


def columns(text: str) -> float:
    """Width as drawn: nothing for combining marks and what a joiner joins."""
    return len(text) if text.isascii() else sum(_widths(text))


def _widths(text: str) -> Iterator[float]:
    for before, sign in zip(" " + text, text, strict=False):
        if unicodedata.category(sign) in ZERO_WIDTH or before == ZWJ:
            yield 0.0
        else:
            yield FULL_WIDTH if unicodedata.east_asian_width(sign) in "WF" else 1.0


def clean(text: str) -> str:
    """Without control characters, a plain space for other white space."""
    return str(_REMOVED.sub("", SPACES.sub(" ", text)))


def may_break(before: str, after: str, has_space: bool) -> bool:
    """Whether a line may end with `before` and the next begin with `after`; a space may stand between."""
    if not has_space:
        return _BREAK.match(before + after, len(before)) is not None
    splits_number = _DIGITS.search(before) and _THREE_DIGITS.match(after)
    return not (splits_number or _CLOSES.match(after) or _OPENS.search(before))


def inner_breaks(text: str) -> list[int]:
    """Where a text without spaces may break."""
    return [found.start() for found in _BREAK.finditer(text) if 0 < found.start() < len(text)]


def ends_phrase(before: str, after: str) -> bool:
    """Whether the break between two Japanese texts is likely to be one between phrases: after a particle."""
    return _PHRASE_END.match(before + after, len(before)) is not None


def cut_long(text: str) -> Iterator[int]:
    """Where to cut what is wider than a line, so that every part fits, and cuts show least."""
    if columns(text) <= MAX_LINE:
        return
    start, ends = 0, cluster_ends(text)
    widths = [0.0, *accumulate(_widths(text))]
    while widths[-1] - widths[start] > MAX_LINE:
        fitting = [end for end in ends if end > start and widths[end] - widths[start] <= MAX_LINE]
        later_half = [end for end in fitting if widths[end] - widths[start] > MAX_LINE / 2] or fitting
        start = max(later_half, key=lambda end: (_cut_quality(text, end), end))
        yield start


def cluster_ends(text: str) -> list[int]:
    """Ends of user-perceived characters (UAX #29), of single code points where one is wider than a line."""
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        if columns(cluster[0]) > MAX_LINE:
            ends += range(cluster.start() + 1, cluster.end())
        ends.append(cluster.end())
    return ends


def _cut_quality(text: str, end: int) -> int:
    if _BREAK.match(text, end) or _INSIDE_LONG.match(text, end):
        return 2
    return 1 if _MAY_START.match(text, end) else 0


def is_right_to_left(text: str) -> bool:
    """Whether the first letter is of a right-to-left script."""
    letter = _LETTER.search(text)
    return letter is not None and unicodedata.bidirectional(letter[0]) in ("R", "AL")
