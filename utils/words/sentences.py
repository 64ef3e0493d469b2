"""Windows of text into segments: a sentence each, or what stands between two pauses. Pure."""

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
    """Whether a word closes a sentence: `day.` and `day."` do, `Mr.` and the initial `J.` do not."""
    bare = text.strip().lstrip(OPENERS).rstrip(CLOSERS)
    if not bare.endswith(SENTENCE_ENDS):
        return False
    initial = len(bare) == 2 and bare[0].isupper() and bare[0] != "I" and bare[1] == "."
    return not (initial or bare.lower() in ABBREVIATIONS)


def cut_segments(text: WindowText, window: Span, voiced: Sequence[Span] = ()) -> list[Segment]:
    """Segments of a window in samples of the recording; one for the whole window if it has no words.

    `voiced` is where speech is, tightly, in order: words do not reach into the silence between.
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
    words = [_placed(word, window.start, voiced) for word in text.words]
    return [with_words(whole, sentence) for sentence in sentences(words)] if words else [whole]


def with_words(segment: Segment, words: Sequence[Word]) -> Segment:
    """`segment` made of just these words, at least one."""
    return replace(
        segment,
        start=words[0].start,
        stop=max(word.stop for word in words),
        text="".join(word.text for word in words),
        words=tuple(words),
        tokens=tuple(token for word in words for token in word.tokens),
        logprobs=tuple(token for word in words for token in word.logprobs),
    )


def _placed(word: Word, offset: int, voiced: Sequence[Span]) -> Word:
    """The word in samples of the recording, cut back to the stretch of speech that holds most of it.

    Alignment by attention leaves no gaps between words, so that pauses would lengthen their neighbours.
    """
    start, stop = word.start + offset, word.stop + offset
    first = max(0, bisect_right(voiced, start, key=lambda span: span.start) - 1)
    last = bisect_left(voiced, stop, key=lambda span: span.start)
    home = max(voiced[first:last], key=lambda s: min(stop, s.stop) - max(start, s.start), default=None)
    if home and min(stop, home.stop) > max(start, home.start):
        start, stop = max(start, home.start), min(stop, home.stop)
    return replace(word, start=start, stop=stop)


def sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words up to the end of each sentence, or up to a long pause."""
    held: list[Word] = []
    for word in words:
        if held and (ends_sentence(held[-1].text) or word.start - held[-1].stop > LONGEST_PAUSE):
            yield held
            held = []
        held.append(word)
    if held:
        yield held
