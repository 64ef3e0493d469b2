"""What srt and vtt promise, read by two parsers each."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import unescape
from itertools import groupby, pairwise

import pysubs2
import regex
import srt
import webvtt
from hypothesis import given

from models import SAMPLE_RATE, Transcript, Word
from tests.answers.spoken import transcripts
from tests.builders import thorough
from utils.answers.text_body import srt_body, vtt_body
from utils.answers.wire import AnswerForm
from utils.speakers.labels import speaker_label

MILLISECOND = SAMPLE_RATE // 1000
JOINER = "\u2060"
LETTER = regex.compile(r"[^\p{Z}\p{C}]")


@dataclass(frozen=True)
class Shown:
    """Times in milliseconds; `label` is the beginning of the text up to and with the colon."""

    start: int
    stop: int
    label: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def srt_of(of: Transcript) -> str:
    return "".join(srt_body(of, AnswerForm()))


def vtt_of(of: Transcript) -> str:
    return "".join(vtt_body(of, AnswerForm()))


def labels(of: Transcript) -> dict[int | None, str]:
    """As shown: a name of more than half a line is shortened."""
    shown: dict[int | None, str] = {None: ""}
    for speaker in {part.speaker for part in of.segments} - {None}:
        assert speaker is not None
        name = speaker_label(speaker, of.names)
        label = f"{name}:" if name in of.names else f"Speaker {name}:"
        shown[speaker] = "Øyvind <b> of the…:" if len(label) > 20 else label
    return shown


def cues_of(of: Transcript) -> list[Shown]:
    """The cues of the vtt; labels are taken off."""
    cues = []
    for caption in webvtt.from_string(vtt_of(of)).captions:
        lines = unescape(caption.raw_text).lstrip("\u200f").split("\n")
        label = next((label for label in labels(of).values() if label and lines[0].startswith(label)), "")
        lines[0] = lines[0][len(label) :].strip()
        cues.append(Shown(milliseconds(caption.start), milliseconds(caption.end), label, lines))
    return cues


def milliseconds(timestamp: str) -> int:
    hours, minutes, rest = timestamp.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + int(rest.replace(".", ""))


def letters(text: str) -> str:
    return "".join(LETTER.findall(text))


def voices(of: Transcript) -> dict[str, list[Shown]]:
    cues = sorted(cues_of(of), key=lambda cue: cue.label)
    return {label: list(group) for label, group in groupby(cues, key=lambda cue: cue.label)}


@thorough
@given(transcripts())
def test_parsers_agree(of: Transcript) -> None:
    as_srt, as_vtt = srt_of(of), vtt_of(of)
    strict = list(srt.parse(as_srt, ignore_errors=False))
    captions = webvtt.from_string(as_vtt).captions
    lenient = [pysubs2.SSAFile.from_string(body, form) for body, form in ((as_srt, "srt"), (as_vtt, "vtt"))]
    assert [cue.index for cue in strict] == list(range(1, len(strict) + 1))
    times = [(round(1000 * c.start.total_seconds()), round(1000 * c.end.total_seconds())) for c in strict]
    assert [(milliseconds(c.start), milliseconds(c.end)) for c in captions] == times
    assert all([(event.start, event.end) for event in file] == times for file in lenient)
    for cue, caption, *events in zip(strict, captions, *lenient, strict=True):
        said = unescape(caption.raw_text)
        written = said.replace("-->", "→").replace("{", "(").replace("}", ")")
        assert cue.content.replace(JOINER, "") == written
        assert letters(events[0].plaintext.replace("\\", "")) == letters(written.replace("\\", ""))
        assert "<" not in caption.raw_text


@thorough
@given(transcripts())
def test_cues_are_in_order_inside_the_recording_and_speakers_do_not_overlap_themselves(
    of: Transcript,
) -> None:
    cues = cues_of(of)
    assert [cue.start for cue in cues] == sorted(cue.start for cue in cues)
    assert all(0 <= cue.start < cue.stop <= of.num_samples / MILLISECOND for cue in cues)
    assert all(cue.stop - cue.start <= 7000 for cue in cues)
    for label, said in voices(of).items():
        assert not label or all(one.stop <= two.start for one, two in pairwise(said))


def columns(line: str) -> int:
    counted, before = 0, ""
    for sign in line:
        if unicodedata.category(sign) not in ("Mn", "Me", "Cf") and before != "\u200d":
            counted += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        before = sign
    return counted


@thorough
@given(transcripts())
def test_lines_fit(of: Transcript) -> None:
    for caption in webvtt.from_string(vtt_of(of)).captions:
        lines = unescape(caption.raw_text).split("\n")
        assert 1 <= len(lines) <= 2
        assert all(letters(line) and columns(line) <= 42 for line in lines)
        assert all(
            sum(unicodedata.east_asian_width(s) in "WF" for s in line) <= 16 or "\u200d" in line
            for line in lines
        )


def said_by(of: Transcript, speaker: int | None) -> list[Word]:
    return [
        word
        for part in of.segments
        if part.speaker == speaker
        for word in part.words or (Word(part.start, part.stop, part.text, 1.0),)
    ]


@thorough
@given(transcripts())
def test_no_letter_is_lost_and_none_is_early_or_late(of: Transcript) -> None:
    """A letter is said between the start and the stop of its word."""
    by_label = voices(of)
    for speaker, label in labels(of).items():
        words, cues = said_by(of, speaker), by_label.pop(label, [])
        if speaker is None:  # lanes of unknown speakers cannot be distinguished
            assert sorted(letters("".join(c.text for c in cues))) == sorted(
                letters("".join(w.text for w in words))
            )
            continue
        origin = [word for word in words for _ in letters(word.text)]
        assert letters("".join(cue.text for cue in cues)) == letters("".join(word.text for word in words))
        at = 0
        for cue in cues:
            first = origin[at]
            begins = [word for word in words if word is first and letters(word.text)]
            assert begins
            is_whole = at == 0 or origin[at - 1] is not first
            latest = first.start if is_whole else first.stop
            assert first.start / MILLISECOND - 501 <= cue.start <= latest / MILLISECOND + 500
            at += len(letters(cue.text))
    assert not by_label


def is_too_much(one: Shown, two: Shown) -> bool:
    """Whether what two cues say cannot be one cue, or not be read in their time."""
    signs = sum(len(cue.label) + columns(cue.text) for cue in (one, two))
    return signs > 50 or 1000 * signs > 21 * (two.start - one.start)


@thorough
@given(transcripts())
def test_cues_can_be_read_unless_the_speech_is_faster(of: Transcript) -> None:
    """A cue under a second has more to say next to it than there is time for, or ends with the recording."""
    end = of.num_samples / MILLISECOND
    for label, cues in voices(of).items():
        for index, cue in enumerate(cues):
            if label and cue.stop - cue.start < 1000 and cue.stop < end - 100:
                around = pairwise(cues[max(0, index - 1) : index + 2])
                assert any(is_too_much(*pair) or pair[1].start - pair[0].start > 6000 for pair in around)
