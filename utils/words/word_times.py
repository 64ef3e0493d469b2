"""Merges realigned word times with the original ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from models import SAMPLE_RATE, Span

SHORTEST_WORD = SAMPLE_RATE // 50  # where the bounds allow it


def fit_between(original: Sequence[Span], aligned: Sequence[Span | None]) -> list[Span]:
    """The aligned times; a word without one keeps its original time, clipped to its aligned neighbours."""
    spans = []
    earliest = 0
    for index, (old, new) in enumerate(zip(original, aligned, strict=True)):
        latest = next((span.start for span in aligned[index:] if span), old.stop)
        spans.append(new or Span(min(max(old.start, earliest), latest), min(old.stop, latest)))
        earliest = new.stop if new else earliest
    return spans


def settle(spans: Sequence[Span], bounds: Span) -> list[Span]:
    """Ordered, disjoint, non-empty spans inside `bounds`, each as close to its input as that allows.

    Spans that already comply are unchanged if no shorter than `SHORTEST_WORD`. `bounds` must hold a sample
    for each span.
    """
    if not spans:
        return []
    min_length = min(SHORTEST_WORD, bounds.num_samples // len(spans))
    starts: list[int] = []
    for index, span in enumerate(spans):
        earliest = starts[-1] + min_length if starts else bounds.start
        latest = bounds.stop - min_length * (len(spans) - index)
        starts.append(min(max(span.start, earliest), latest))
    ceilings = [*starts[1:], bounds.stop]
    return [
        Span(start, min(max(span.stop, start + min_length), ceiling))
        for span, start, ceiling in zip(spans, starts, ceilings, strict=True)
    ]
