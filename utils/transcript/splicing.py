"""Splices two transcriptions of overlapping audio: where to switch from the earlier to the later. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from models import Segment, Span, Word
from utils.words.sentences import LONGEST_PAUSE, ends_sentence, with_words

MAX_OFFSET = LONGEST_PAUSE  # two recognitions of one word are closer than this

Item = tuple[int, Word | Segment]
"""A word, or a segment that has none, with the index of its segment."""


def splice(
    left: Sequence[Segment], right: Sequence[Segment], shared: Span, cut: int
) -> tuple[list[Segment], list[Segment]]:
    """What to keep of either side: up to and after the common word nearest to the cut or, if there is none,
    before and after the cut itself. A sentence split by this is rejoined on the right."""
    earlier, later = items_of(left), items_of(right)
    if match := _nearest_match(earlier, later, shared, cut):
        earlier, later = earlier[: match[0] + 1], later[match[1] + 1 :]
    else:
        earlier = [item for item in earlier if middle(item[1]) < cut]
        later = [item for item in later if middle(item[1]) >= cut]
    kept, incoming = rebuild(left, earlier), rebuild(right, later)
    if kept and incoming and _is_cut_sentence(kept[-1], incoming[0]):
        half = kept.pop()
        incoming[0] = with_words(half, [*half.words, *incoming[0].words])
    return kept, incoming


def _nearest_match(
    earlier: Sequence[Item], later: Sequence[Item], shared: Span, cut: int
) -> tuple[int, int] | None:
    """Indices of the common word nearest to the cut."""
    first = [i for i, (_, item) in enumerate(earlier) if _is_word_in(item, shared)]
    second = [i for i, (_, item) in enumerate(later) if _is_word_in(item, shared)]
    pairs = _align([earlier[i][1] for i in first], [later[i][1] for i in second])
    return min(
        ((first[i], second[j]) for i, j in pairs),
        key=lambda pair: abs(middle(earlier[pair[0]][1]) + middle(later[pair[1]][1]) - 2 * cut),
        default=None,
    )


def _align(earlier: Sequence[Word | Segment], later: Sequence[Word | Segment]) -> list[tuple[int, int]]:
    """Index pairs of equal words in the same order, as many and as close in time as possible.

    A longest common subsequence (Wagner and Fischer, 1974) whose matches weigh less the farther apart they
    are in time, so that repeated words are paired correctly.
    """
    texts = [normalised(item) for item in earlier], [normalised(item) for item in later]
    best = [[0.0] * (len(later) + 1) for _ in range(len(earlier) + 1)]

    def gain(i: int, j: int) -> float:
        apart = abs(middle(earlier[i]) - middle(later[j]))
        return 1 - apart / MAX_OFFSET if texts[0][i] == texts[1][j] else 0.0

    for i in reversed(range(len(earlier))):
        for j in reversed(range(len(later))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + gain(i, j))
    pairs, i, j = [], 0, 0
    while i < len(earlier) and j < len(later):
        if gain(i, j) > 0 and best[i][j] == best[i + 1][j + 1] + gain(i, j):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def items_of(segments: Sequence[Segment]) -> list[Item]:
    """What can be kept or left of segments."""
    return [(i, item) for i, segment in enumerate(segments) for item in segment.words or (segment,)]


def rebuild(segments: Sequence[Segment], items: Iterable[Item]) -> list[Segment]:
    """The segments, reduced to these of their items."""
    rebuilt = []
    for index, group in groupby(items, key=lambda item: item[0]):
        segment, words = segments[index], [item for _, item in group if isinstance(item, Word)]
        is_cut = len(words) < len(segment.words)
        rebuilt.append(with_words(segment, words) if is_cut else segment)
    return rebuilt


def _is_cut_sentence(left: Segment, right: Segment) -> bool:
    """Whether two segments are the halves of one sentence that was cut."""
    if not (left.words and right.words):
        return False
    pause = right.start - left.stop
    return pause <= LONGEST_PAUSE and not ends_sentence(left.text, right.words[0].text, pause)


def may_continue(segment: Segment) -> bool:
    """Whether it may start a sentence that the next chunk completes."""
    return bool(segment.words) and not ends_sentence(segment.text)


def _is_word_in(item: Word | Segment, span: Span) -> bool:
    return isinstance(item, Word) and span.start <= middle(item) < span.stop


def normalised(item: Word | Segment) -> str:
    """Its letters and digits, for comparisons."""
    letters = "".join(letter for letter in item.text.casefold() if letter.isalnum())
    return letters or item.text.strip()


def middle(item: Word | Segment) -> int:
    return (item.start + item.stop) // 2
