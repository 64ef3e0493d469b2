"""Splits the text of windows into segments at sentence ends and long pauses. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from models import SAMPLE_RATE, Segment, Span, WindowText, Word

LONGEST_PAUSE = SAMPLE_RATE  # a longer one inside a sentence ends the segment
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "।", "؟")
OPENERS = "\"'“‘(¿¡[«「『"
CLOSERS = "\"'”’)]»」』"
ABBREVIATIONS = frozenset(
    ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "sr.", "jr.", "vs.", "mt.", "rev.", "capt.", "gen.")
)


def ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence: `day.` and `day."` do, `Mr.` and the initial `J.` do not."""
    bare = text.strip().lstrip(OPENERS).rstrip(CLOSERS)
    if not bare.endswith(SENTENCE_ENDS):
        return False
    initial = len(bare) == 2 and bare[0].isupper() and bare[0] != "I" and bare[1] == "."
    return not (initial or bare.lower() in ABBREVIATIONS)


def cut_segments(text: WindowText, window: Span, voiced: Sequence[Span] = ()) -> list[Segment]:
    """Segments of a window in samples of the recording; one for the whole window if it has no words.

    `voiced` are tight spans of speech, in order: words are clipped to exclude the silence between them.
    """
    if not text.text.strip():
        return []
    whole = Segment(
        start=window.start,
        stop=window.stop,
        text=text.text,
        words=(),
        tokens=text.tokens,
        window_start=window.start,
        temperature=text.temperature,
        avg_logprob=text.avg_logprob,
        compression_ratio=text.compression_ratio,
        no_speech_prob=text.no_speech_prob,
        logprobs=text.logprobs,
    )
    words = [_place_word(word, window.start, voiced) for word in text.words]
    return [with_words(whole, sentence) for sentence in sentences(words)] if words else [whole]


def with_words(segment: Segment, words: Sequence[Word]) -> Segment:
    """`segment` reduced to these words, at least one."""
    return replace(
        segment,
        start=words[0].start,
        stop=max(word.stop for word in words),
        text="".join(word.text for word in words),
        words=tuple(words),
        tokens=tuple(token for word in words for token in word.tokens),
        logprobs=tuple(token for word in words for token in word.logprobs),
    )


def _place_word(word: Word, offset: int, voiced: Sequence[Span]) -> Word:
    """The word in samples of the recording, clipped to the span of speech that holds most of it.

    Attention alignment leaves no gaps between words, so pauses would lengthen the words around them.
    """
    start, stop = word.start + offset, word.stop + offset
    first = max(0, bisect_right(voiced, start, key=lambda span: span.start) - 1)
    last = bisect_left(voiced, stop, key=lambda span: span.start)
    best = max(voiced[first:last], key=lambda s: min(stop, s.stop) - max(start, s.start), default=None)
    if best and min(stop, best.stop) > max(start, best.start):
        start, stop = max(start, best.start), min(stop, best.stop)
    return replace(word, start=start, stop=stop)


def sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Groups words up to the end of each sentence, or up to a long pause."""
    current: list[Word] = []
    for word in words:
        if current and (ends_sentence(current[-1].text) or word.start - current[-1].stop > LONGEST_PAUSE):
            yield current
            current = []
        current.append(word)
    if current:
        yield current
