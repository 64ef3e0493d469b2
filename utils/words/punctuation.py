"""Punctuation restoration: finds unpunctuated text and applies predicted marks and capitals. Pure.

The words themselves do not change. Text comes in pieces, a recogniser's words, which need not be a reader's:
` 3` and `.5` are one word, ` va` and ` ?` are a word and its mark. Joined, the pieces are the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from models import Segment
from utils.words.sentences import CLOSERS, OPENERS, SENTENCE_ENDS, ends_sentence, sentences, with_words

NO_MARK = "0"
LABELS = frozenset((NO_MARK, ".", ",", "?", "-", ":"))
"""The mark after a word, as labelled by the FullStop models (Guhr et al. 2021, ceur-ws.org/Vol-2957)."""

MARKS = (*SENTENCE_ENDS, ",", ";", ":", "-", "–", "—", "，", "、", "；", "：", "،", "؛")
LONGEST_UNMARKED = 20  # words; people and recognisers rarely go on longer without even a comma
WINDOW = 200  # words per model call
OVERLAP = 30  # words shared by neighbouring windows, and of context before and after a run

_END = re.compile(r"[\s\"”»」』]*\Z")  # a mark goes before a closing quote
_LETTER = re.compile(r"[^\W_]")


def pieces_of(segment: Segment) -> list[str]:
    """The texts of a segment's words, or its text split at spaces if it has none."""
    return [word.text for word in segment.words] or re.findall(r"\s*\S+|\s+", segment.text)


def group_words(pieces: Sequence[str]) -> list[range]:
    """The pieces of each word: one with a leading space starts a word, unless it has no letters or digits."""
    starts = [n for n, piece in enumerate(pieces) if n == 0 or (piece[:1].isspace() and _has_letters(piece))]
    return [range(*ends) for ends in pairwise([*starts, len(pieces)])]


def is_marked(word: str) -> bool:
    """Whether there is a mark after the last letter."""
    return any(sign in MARKS for sign in _LETTER.split(word)[-1])


def bare(word: str) -> str:
    """A word as in the models' training data: in lower case, without surrounding punctuation."""
    return word.strip("".join(MARKS) + OPENERS + CLOSERS + " ").lower()


def unmarked_runs(words: Sequence[str]) -> list[range]:
    """Runs of words without any mark that are too long to be intended, or are the whole text."""
    runs = []
    for marked, group in groupby(range(len(words)), key=lambda n: is_marked(words[n])):
        run = list(group)
        if not marked and (len(run) > LONGEST_UNMARKED or len(run) == len(words)):
            runs.append(range(run[0], run[-1] + 1))
    return runs


def plan_windows(run: range, num_words: int) -> list[range]:
    """Overlapping windows over a run and its context."""
    first, last = max(0, run.start - OVERLAP), min(num_words, run.stop + OVERLAP)
    starts = range(first, max(first + 1, last - OVERLAP), WINDOW - OVERLAP)
    return [range(max(first, min(at, last - WINDOW)), min(at + WINDOW, last)) for at in starts]


def merge_labels(windows: Sequence[range], labels: Sequence[Sequence[str]]) -> dict[int, str]:
    """The label of each word, from the window in which it is farthest from an edge."""
    deepest: dict[int, tuple[int, str]] = {}
    for window, found in zip(windows, labels, strict=True):
        for word, label in zip(window, found, strict=True):
            depth = min(word - window.start, window.stop - 1 - word)
            if word not in deepest or depth > deepest[word][0]:
                deepest[word] = depth, label
    return {word: label for word, (_, label) in deepest.items()}


def apply_marks(pieces: Sequence[str], labels: Mapping[int, str], language: str) -> list[str]:
    """The same pieces, with the marks of `labels` (by word index) and a capital at each sentence start.

    Words without a label keep their marks, and their case unless a mark was inserted before them.
    """
    words = [[pieces[n] for n in word] for word in group_words(pieces)]
    sentence_begins = True
    for index, word in enumerate(words):
        if sentence_begins and (index in labels or index - 1 in labels):
            _capitalise(word)
        following = "".join(words[index + 1]) if index + 1 < len(words) else ""
        _insert_mark(word, labels.get(index, NO_MARK), following, language)
        sentence_begins = ends_sentence("".join(word), language=language)
    return [piece for word in words for piece in word]


def rebuild(segments: Sequence[Segment], pieces: Sequence[str], language: str) -> Iterator[Segment]:
    """The segments with the new texts of their pieces; changed ones are split into sentences again."""
    offset = 0
    for segment in segments:
        before = pieces_of(segment)
        after = pieces[offset : offset + len(before)]
        offset += len(before)
        if list(after) == before:
            yield segment
        elif segment.words:
            words = [replace(word, text=text) for word, text in zip(segment.words, after, strict=True)]
            yield from (with_words(segment, sentence) for sentence in sentences(words, language))
        else:
            yield replace(segment, text="".join(after))


def _has_letters(text: str) -> bool:
    return _LETTER.search(text) is not None


def _insert_mark(word: list[str], label: str, following: str, language: str) -> None:
    """In place. No mark goes inside a number written in two pieces (`1 000`)."""
    whole = "".join(word)
    splits_number = whole.rstrip()[-1:].isdigit() and following.lstrip()[:1].isdigit()
    if label == NO_MARK or is_marked(whole) or splits_number or not _has_letters(whole):
        return
    last = max(n for n, piece in enumerate(word) if _has_letters(piece))
    space = " " if label == "-" or (language == "fr" and label in "?:") else ""
    word[last] = _END.sub(lambda end: space + label + end[0], word[last], count=1)


def _capitalise(word: list[str]) -> None:
    """In place, the first letter; not of `iPhone` or `3rd`, nor a letter like `ß`, which would become two."""
    whole = "".join(word)
    if whole != whole.lower():
        return
    first = next((n for n, piece in enumerate(word) if _has_letters(piece)), None)
    if first is not None:
        word[first] = _LETTER.sub(lambda letter: _capital(letter[0]), word[first], count=1)


def _capital(letter: str) -> str:
    """By title case, since Georgian has capitals that do not start sentences."""
    capital = letter.title()
    return capital if capital.lower() == letter else letter
