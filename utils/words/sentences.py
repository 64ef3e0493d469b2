"""Splits the text of windows into segments at sentence ends and long pauses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from models import SAMPLE_RATE, Segment, Span, WindowText, Word
from utils.words.abbreviations import Stop, stop_after
from utils.words.placement import place_word

LONGEST_PAUSE = SAMPLE_RATE  # a longer one inside a sentence ends the segment
ABBREVIATION_PAUSE = SAMPLE_RATE * 3 // 10  # a longer one after an abbreviation means that it ends a sentence
SENTENCE_ENDS = (
    ".",
    "?",
    "!",
    "…",
    "。",
    "．",
    "｡",
    "？",
    "！",
    "।",
    "॥",
    "؟",
    "۔",
    "։",
    "።",
    "፧",
    "။",
    "។",
    "།",
)
OPENERS = "\"'“‘„‚(¿¡[{«»‹›「『（《〈【"
CLOSERS = "\"'”’“‘)]}»«›‹」』）》〉】"
LONGEST_WORD = 80  # characters; for what is longer only its end is looked at
CLITICS = frozenset(("s", "t", "n", "k", "m"))  # of `'s Avonds`: the capital is in the next word


def ends_sentence(text: str, following: str = "", pause: int = 0, language: str | None = None) -> bool:
    """Whether the last word of `text` ends a sentence: `day.` and `day."` do, `Mr.` and the initial `J.` not.

    What is in doubt, such as `U.S.`, ends one only if a pause (in samples) and a capital follow. `following`
    is the recogniser's next piece, which may continue the word; if it is unknown, nothing in doubt ends one.
    """
    bare = text.rstrip()[-LONGEST_WORD:].split(" ")[-1].lstrip(OPENERS).rstrip(CLOSERS)
    if not bare.endswith(SENTENCE_ENDS):
        return False
    if _continues(bare, following) or _begins_small(following):
        return False
    stop = stop_after(bare, language) if bare.endswith(".") else None
    is_number = following.lstrip(" " + OPENERS)[:1].isdigit()
    if stop is None or (stop is Stop.END_UNLESS_NUMBER and not is_number):
        return True
    return stop is Stop.END_AFTER_PAUSE and not is_number and bool(following) and pause > ABBREVIATION_PAUSE


def _continues(word: str, following: str) -> bool:
    """Whether the next piece belongs to the word: `3.` and `5`, `day.` and a closing quote."""
    if not following or following[0].isspace():
        return False
    if set(following.strip()) <= set(CLOSERS).union(SENTENCE_ENDS):
        return True
    return word.endswith(".") and (following[0].isdigit() or _has_case(following[0]))


def _begins_small(text: str) -> bool:
    """Whether the first word is in lower case; `iPhone` is not."""
    word = next(iter(text.lstrip(" " + OPENERS).split()), "")
    is_clitic = word in CLITICS and text.strip().startswith(("'", "’"))
    return _has_case(word[:1]) and word == word.lower() and not is_clitic


def _has_case(letter: str) -> bool:
    """Georgian has capitals, but none at the start of a sentence."""
    return letter.title() != letter or letter.lower() != letter


def cut_segments(
    text: WindowText, window: Span, voiced: Sequence[Span] = (), language: str | None = None
) -> list[Segment]:
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
    words = [place_word(word, window.start, voiced) for word in text.words]
    return [with_words(whole, sentence) for sentence in sentences(words, language)] if words else [whole]


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


def sentences(words: Sequence[Word], language: str | None = None) -> Iterator[list[Word]]:
    """Groups words up to the end of each sentence, or up to a long pause."""
    current: list[Word] = []
    last = ""  # the last word as a reader sees it, which may be several of the recogniser's
    for word in words:
        if current:
            pause = word.start - current[-1].stop
            if pause > LONGEST_PAUSE or ends_sentence(last, word.text, pause, language):
                yield current
                current, last = [], ""
        last = word.text if word.text[:1].isspace() else (last + word.text)[-LONGEST_WORD:]
        current.append(word)
    if current:
        yield current
