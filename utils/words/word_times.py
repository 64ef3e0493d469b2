"""Times of words found anew, set among those that were kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from models import SAMPLE_RATE, Span

SHORTEST_WORD = SAMPLE_RATE // 50  # where there is room


def fit_between(own: Sequence[Span], found: Sequence[Span | None]) -> list[Span]:
    """What was found, and where nothing was, the word's own time as far as the found ones leave room."""
    spans = []
    earliest = 0
    for index, (old, new) in enumerate(zip(own, found, strict=True)):
        latest = next((span.start for span in found[index:] if span), old.stop)
        spans.append(new or Span(min(max(old.start, earliest), latest), min(old.stop, latest)))
        earliest = new.stop if new else earliest
    return spans


def settle(spans: Sequence[Span], room: Span) -> list[Span]:
    """Spans in order, apart and not empty, inside `room`, each as near to what was asked as that allows.

    What is so already stays as it is, if no shorter than `SHORTEST_WORD`. `room` must hold a sample for
    each span.
    """
    if not spans:
        return []
    least = min(SHORTEST_WORD, room.num_samples // len(spans))
    starts: list[int] = []
    for index, span in enumerate(spans):
        earliest = starts[-1] + least if starts else room.start
        latest = room.stop - least * (len(spans) - index)
        starts.append(min(max(span.start, earliest), latest))
    ceilings = [*starts[1:], room.stop]
    return [
        Span(start, min(max(span.stop, start + least), ceiling))
        for span, start, ceiling in zip(spans, starts, ceilings, strict=True)
    ]
