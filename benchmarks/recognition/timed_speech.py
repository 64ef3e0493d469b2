"""English speech of the evaluation audio, and when each word is said, by PocketSphinx's forced alignment."""

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

FRAMES = 100  # of PocketSphinx, a second
MARGIN = 0.1  # seconds kept around an utterance that is cut out of a conversation
# A rough sound for each letter: for the words that the dictionary lacks.
SOUNDS = "AE B K D EH F G HH IH JH K L M N AA P K R S T AH V W K Y Z"
LETTER_SOUNDS = dict(zip(ascii_lowercase, SOUNDS.split(), strict=True))


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
    """Each text that a speaker says alone, once; none of what `word_times` measures with."""
    found: dict[tuple[str, str], Recording] = {}
    for recording in [*_single(root), *_cut_from_conversations(root)]:
        found.setdefault((recording.speaker, recording.text), recording)
    return list(found.values())


def time_words(recordings: Sequence[Recording]) -> Iterator[TimedSpeech]:
    """Recordings in which all words are found."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    for recording in recordings:
        words = _find_words(decoder, recording)
        if words and [word.text for word in words] == recording.text.split():
            yield TimedSpeech(recording.speaker, recording.audio, words)


def _find_words(decoder: Any, recording: Recording) -> tuple[SpokenWord, ...]:
    for word in set(recording.text.split()):
        if decoder.lookup_word(word) is None:
            sounds = " ".join(LETTER_SOUNDS[letter] for letter in word if letter in LETTER_SOUNDS)
            decoder.add_word(word, sounds, True)
    decoder.set_align_text(recording.text)
    decoder.start_utt()
    decoder.process_raw((recording.audio * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return tuple(
        SpokenWord(part.word.split("(")[0], part.start_frame / FRAMES, (part.end_frame + 1) / FRAMES)
        for part in decoder.seg() or ()
        if part.word[0] not in "<["  # silence, noise
    )


def _single(root: Path) -> Iterator[Recording]:
    for item in read_utterances(root):
        if item.language == "en" and item.subset not in word_times.SUBSETS:
            yield Recording(item.speaker, _plain(item.text), read_audio(item.audio))


def _cut_from_conversations(root: Path) -> Iterator[Recording]:
    for conversation in read_conversations(root):
        if conversation.stm and conversation.kind in ("synth", "long"):
            yield from _alone(conversation, conversation.stm)


def _alone(conversation: Conversation, stm: Path) -> Iterator[Recording]:
    """The turns during which nobody else speaks."""
    audio = read_audio(conversation.audio)
    lines = [line.split(maxsplit=6) for line in stm.read_text(encoding="utf-8").splitlines()]
    turns = [(float(line[3]), float(line[4]), line[2], _plain(line[6])) for line in lines]
    for turn in turns:
        start, stop, speaker, text = turn
        if not any(other[0] < stop and start < other[1] for other in turns if other is not turn):
            first, last = (round(max(0, at) * SAMPLE_RATE) for at in (start - MARGIN, stop + MARGIN))
            yield Recording(speaker, text, audio[first:last])


def _plain(text: str) -> str:
    return " ".join(
        re.findall("[a-z']*[a-z][a-z']*", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    )
