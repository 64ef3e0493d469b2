"""English speech of the evaluation audio with word times from PocketSphinx's forced alignment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from benchmarks.eval_set import Conversation, read_audio, read_conversations, read_utterances
from benchmarks.recognition import word_times
from models import SAMPLE_RATE, Audio

FRAMES_PER_SECOND = 100  # of PocketSphinx
MARGIN = 0.1  # seconds kept around an utterance cut from a conversation
# A rough phoneme per letter, for words missing from the dictionary.
PHONEMES = "AE B K D EH F G HH IH JH K L M N AA P K R S T AH V W K Y Z"
LETTER_PHONEMES = dict(zip(ascii_lowercase, PHONEMES.split(), strict=True))


@dataclass(frozen=True, slots=True)
class Recording:
    speaker: str
    text: str  # lower case, words of letters and apostrophes
    audio: Audio


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    speaker: str
    audio: Audio
    words: tuple[SpokenWord, ...]


def read_recordings(root: Path) -> list[Recording]:
    """Single-speaker recordings, one per speaker and text, without those that `word_times` measures."""
    found: dict[tuple[str, str], Recording] = {}
    for recording in [*_utterances(root), *_cut_from_conversations(root)]:
        found.setdefault((recording.speaker, recording.text), recording)
    return list(found.values())


def time_words(recordings: Sequence[Recording]) -> Iterator[TimedSpeech]:
    """Aligned recordings; those in which a word is not found are dropped."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    for recording in recordings:
        words = _find_words(decoder, recording)
        if words and [word.text for word in words] == recording.text.split():
            yield TimedSpeech(recording.speaker, recording.audio, words)


def _find_words(decoder: Any, recording: Recording) -> tuple[SpokenWord, ...]:
    for word in set(recording.text.split()):
        if decoder.lookup_word(word) is None:
            phonemes = " ".join(LETTER_PHONEMES[letter] for letter in word if letter in LETTER_PHONEMES)
            decoder.add_word(word, phonemes, True)
    decoder.set_align_text(recording.text)
    decoder.start_utt()
    decoder.process_raw((recording.audio * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return tuple(
        SpokenWord(
            part.word.split("(")[0],
            part.start_frame / FRAMES_PER_SECOND,
            (part.end_frame + 1) / FRAMES_PER_SECOND,
        )
        for part in decoder.seg() or ()
        if part.word[0] not in "<["  # silence, noise
    )


def _utterances(root: Path) -> Iterator[Recording]:
    for item in read_utterances(root):
        if item.language == "en" and item.subset not in word_times.SUBSETS:
            yield Recording(item.speaker, letters_only(item.text), read_audio(item.audio))


def _cut_from_conversations(root: Path) -> Iterator[Recording]:
    for conversation in read_conversations(root):
        if conversation.stm and conversation.kind in ("synth", "long"):
            yield from _without_overlap(conversation, conversation.stm)


def _without_overlap(conversation: Conversation, stm: Path) -> Iterator[Recording]:
    """The turns without overlapping speech."""
    audio = read_audio(conversation.audio)
    lines = [line.split(maxsplit=6) for line in stm.read_text(encoding="utf-8").splitlines()]
    turns = [(float(line[3]), float(line[4]), line[2], letters_only(line[6])) for line in lines]
    for turn in turns:
        start, stop, speaker, text = turn
        if not any(other[0] < stop and start < other[1] for other in turns if other is not turn):
            first, last = (round(max(0, at) * SAMPLE_RATE) for at in (start - MARGIN, stop + MARGIN))
            yield Recording(speaker, text, audio[first:last])


def letters_only(text: str) -> str:
    return " ".join(
        re.findall("[a-z']*[a-z][a-z']*", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    )
