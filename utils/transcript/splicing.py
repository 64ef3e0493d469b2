"""Two hearings of one moment into one: where to go over from the earlier to the later. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from models import Segment, Span, Word
from utils.words.sentences import LONGEST_PAUSE, ends_sentence, with_words

SAME_MOMENT = LONGEST_PAUSE  # two hearings of one word are no farther apart than this

Item = tuple[int, Word | Segment]
"""A word, or a segment that has none, with the index of its segment."""


def splice(
    left: Sequence[Segment], right: Sequence[Segment], shared: Span, cut: int
) -> tuple[list[Segment], list[Segment]]:
    """What to keep of either side: up to and after the commonly heard word nearest to the cut, or what
    lies before and after the cut itself where the two heard no word in common. A sentence that this goes
    through is whole again on the right."""
    ours, theirs = _items(left), _items(right)
    if match := _nearest_match(ours, theirs, shared, cut):
        ours, theirs = ours[: match[0] + 1], theirs[match[1] + 1 :]
    else:
        ours = [item for item in ours if middle(item[1]) < cut]
        theirs = [item for item in theirs if middle(item[1]) >= cut]
    kept, incoming = _rebuild(left, ours), _rebuild(right, theirs)
    if kept and incoming and _is_cut_sentence(kept[-1], incoming[0]):
        half = kept.pop()
        incoming[0] = with_words(half, [*half.words, *incoming[0].words])
    return kept, incoming


def _nearest_match(
    ours: Sequence[Item], theirs: Sequence[Item], shared: Span, cut: int
) -> tuple[int, int] | None:
    """Indices of the word nearest to the cut of those that both heard."""
    first = [i for i, (_, item) in enumerate(ours) if _in(item, shared)]
    second = [i for i, (_, item) in enumerate(theirs) if _in(item, shared)]
    pairs = _aligned([ours[i][1] for i in first], [theirs[i][1] for i in second])
    return min(
        ((first[i], second[j]) for i, j in pairs),
        key=lambda pair: abs(middle(ours[pair[0]][1]) + middle(theirs[pair[1]][1]) - 2 * cut),
        default=None,
    )


def _aligned(ours: Sequence[Word | Segment], theirs: Sequence[Word | Segment]) -> list[tuple[int, int]]:
    """Index pairs of equal words in one order, as many and as close in time as can be.

    A longest common subsequence (Wagner and Fischer, 1974) whose matches weigh less the farther apart
    they were heard, so that of repeated words the right ones meet.
    """
    spelled = [_spelling(item) for item in ours], [_spelling(item) for item in theirs]
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]

    def gain(i: int, j: int) -> float:
        apart = abs(middle(ours[i]) - middle(theirs[j]))
        return 1 - apart / SAME_MOMENT if spelled[0][i] == spelled[1][j] else 0.0

    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + gain(i, j))
    pairs, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        if gain(i, j) > 0 and best[i][j] == best[i + 1][j + 1] + gain(i, j):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _items(segments: Sequence[Segment]) -> list[Item]:
    return [(i, item) for i, segment in enumerate(segments) for item in segment.words or (segment,)]


def _rebuild(segments: Sequence[Segment], items: Iterable[Item]) -> list[Segment]:
    rebuilt = []
    for index, group in groupby(items, key=lambda item: item[0]):
        segment, words = segments[index], [item for _, item in group if isinstance(item, Word)]
        is_cut = len(words) < len(segment.words)
        rebuilt.append(with_words(segment, words) if is_cut else segment)
    return rebuilt


def _is_cut_sentence(left: Segment, right: Segment) -> bool:
    """Whether two segments are halves of one sentence that a cut went through."""
    return may_go_on(left) and bool(right.words) and right.start - left.stop <= LONGEST_PAUSE


def may_go_on(segment: Segment) -> bool:
    """Whether it may be the beginning of a sentence that the next chunk ends."""
    return bool(segment.words) and not ends_sentence(segment.text)


def _in(item: Word | Segment, span: Span) -> bool:
    return isinstance(item, Word) and span.start <= middle(item) < span.stop


def _spelling(item: Word | Segment) -> str:
    letters = "".join(letter for letter in item.text.casefold() if letter.isalnum())
    return letters or item.text.strip()


def middle(item: Word | Segment) -> int:
    return (item.start + item.stop) // 2
