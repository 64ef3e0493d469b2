"""The voices of the evaluation audio, halved so that no voice is in both halves, cut at pauses."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio, read_conversations, read_utterances
from benchmarks.hard.signal.sound import cut_at_pauses, trim
from benchmarks.recognition import word_times
from benchmarks.recognition.timed_speech import (
    Recording,
    SpokenWord,
    letters_only,
    read_recordings,
    time_words,
)
from benchmarks.report import note
from benchmarks.values import HALVES, HELD, TUNE
from models import SAMPLE_RATE, Audio

# Half of the readers of each source; of a language with one long source, that source is in one half.
TUNE_VOICES = frozenset(
    (
        "ls1688",
        "ls1998",
        "ls2033",
        "ls3080",
        "ls367",
        "ls911",
        "ls1116",
        "ls4813",
        "ls7780",
        "ls4830",
        "ls7059",
        "lj",
        "jfk",
        "ls2412",
        "pv-cheetah-en",
        "thorsten",
        "ast-it-carlo",
        "mls-es-13697",
        "pv-leopard-es",
        "pv-leopard-fr",
        "nst-sv-x016",
        "cv-ja",
    )
)
SAME_PERSON = {"ast-en-allison": "ast-allison", "ast-es-allison": "ast-allison"}
MAX_PHRASE = 20.0  # seconds; an utterance whose words could not be timed may have no known pause
UNTRANSCRIBED = "conv12_en_turns"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Speech of one person between two pauses; `text` is None if unknown."""

    speaker: str
    language: str
    text: str | None
    samples: Audio

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Voice:
    """A person in one language; each utterance is a sequence of phrases."""

    speaker: str
    language: str
    utterances: tuple[tuple[Phrase, ...], ...]

    @property
    def seconds(self) -> float:
        return sum(phrase.seconds for utterance in self.utterances for phrase in utterance)

    @property
    def has_text(self) -> bool:
        return all(phrase.text is not None for utterance in self.utterances for phrase in utterance)


def join(phrases: Iterable[Phrase]) -> Phrase:
    """Consecutive phrases of one utterance as one."""
    parts = list(phrases)
    texts = [part.text for part in parts if part.text is not None]
    samples = np.concatenate([part.samples for part in parts])
    text = " ".join(texts) if len(texts) == len(parts) else None
    return Phrase(parts[0].speaker, parts[0].language, text, samples)


def read_voices(root: Path, cache: Path) -> dict[str, list[Voice]]:
    """The voices of each half. Word times of PocketSphinx are kept in the folder `cache`."""
    found: defaultdict[tuple[str, str], list[tuple[Phrase, ...]]] = defaultdict(list)
    english = [*read_recordings(root), *_recordings_of_word_times(root)]
    for recording, words in zip(english, _word_times(english, cache / "words.json"), strict=True):
        found[recording.speaker, "en"].append(_phrases(recording, "en", words))
    for item in read_utterances(root):
        if item.language != "en":
            phrase = Phrase(_person(item.speaker), item.language, item.text, trim(read_audio(item.audio)))
            found[item.speaker, item.language].append((phrase,))
    for recording in _untranscribed(root):
        found[recording.speaker, "en"].append(_phrases(recording, "en", None))
    halves: dict[str, list[Voice]] = {half: [] for half in HALVES}
    for (speaker, language), utterances in sorted(found.items()):
        half = TUNE if speaker in TUNE_VOICES else HELD
        usable = tuple(
            utterance for utterance in utterances if utterance and _longest(utterance) <= MAX_PHRASE
        )
        if usable:
            halves[half].append(Voice(_person(speaker), language, usable))
    return halves


def _longest(utterance: Iterable[Phrase]) -> float:
    return max(phrase.seconds for phrase in utterance)


def _person(speaker: str) -> str:
    return SAME_PERSON.get(speaker, speaker)


def _phrases(recording: Recording, language: str, words: list[SpokenWord] | None) -> tuple[Phrase, ...]:
    """Cut at pauses; whole if its words could not be timed."""
    text = recording.text or None
    uncut = text is not None and words is None
    parts = [(text, recording.audio)] if uncut else cut_at_pauses(recording.audio, words)
    phrases = [Phrase(_person(recording.speaker), language, text, samples) for text, samples in parts]
    return tuple(phrase for phrase in phrases if len(phrase.samples))


def _recordings_of_word_times(root: Path) -> Iterator[Recording]:
    for item in read_utterances(root):
        if item.subset in word_times.SUBSETS:
            yield Recording(item.speaker, letters_only(item.text), read_audio(item.audio))


def _untranscribed(root: Path) -> Iterator[Recording]:
    """The turns of the conversation without text that nobody else overlaps."""
    for item in read_conversations(root, with_long=False):
        if item.uri != UNTRANSCRIBED:
            continue
        audio = read_audio(item.audio)
        lines = [line.split() for line in item.rttm.with_suffix(".utt.rttm").read_text().splitlines()]
        turns = [(float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in lines]
        for turn in turns:
            start, end, speaker = turn
            if not any(other[0] < end and start < other[1] for other in turns if other is not turn):
                part = audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
                yield Recording(speaker, "", trim(part))


def _word_times(recordings: list[Recording], path: Path) -> list[list[SpokenWord] | None]:
    """The word times of each recording, or None if PocketSphinx does not find its words."""
    known: dict[str, list[tuple[str, float, float]]] = json.loads(path.read_text()) if path.is_file() else {}
    new = [recording for recording in recordings if _key(recording) not in known]
    note(f"word times of {len(new)} recordings")
    known |= {_key(recording): [] for recording in new}
    for timed in time_words(new):
        text = " ".join(word.text for word in timed.words)
        times = [(word.text, word.start, word.stop) for word in timed.words]
        known[_key(Recording(timed.speaker, text, timed.audio))] = times
    path.write_text(json.dumps(known))
    timed_words = (known[_key(recording)] for recording in recordings)
    return [[SpokenWord(*word) for word in words] or None for words in timed_words]


def _key(recording: Recording) -> str:
    return f"{recording.speaker} {recording.text}"
