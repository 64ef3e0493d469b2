"""Recordings of three languages in turn, compared with faster-whisper, which detects them by the window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from benchmarks.alignment import EQUAL, align
from benchmarks.client import Client
from benchmarks.hard.listing import ABOUT, HardRecording, read_hard_recordings
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.text_scores import Errors, normalise
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Several languages in one recording"

METHOD = """\
The `languages` recordings of the hard set, without a language given, through the server (`json`) and
through faster-whisper with `multilingual=True` (base, int8, beam 5), plain and batched. The whole
transcript is aligned with the whole reference, and each error counts for the language of the reference
word, an insertion for that of the next one. All words are normalised alike: Whisper's basic normaliser,
accents folded. A turn is lost if none of its words is right; turns of fewer than three words are not
counted."""

SERVER, PLAIN, BATCHED = SYSTEMS = ("server", "faster-whisper", "batched")
HEADER = ("half", "language", "words", *SYSTEMS, *(f"lost turns, {system}" for system in SYSTEMS))
FOLDED = "es"  # the normaliser that all languages share here
ALL = "**all**"
MIN_WORDS = 3


@dataclass(slots=True)
class Score:
    """Errors of the words of one language, its turns, and those that were lost."""

    errors: Errors = field(default_factory=Errors)
    turns: int = 0
    lost: int = 0

    def add(self, other: Score) -> None:
        self.errors += other.errors
        self.turns += other.turns
        self.lost += other.lost


Scores = Mapping[str, Score]
"""By language."""


def measure(options: Options) -> str:
    recordings = read_hard_recordings(options, {"languages"})
    totals: defaultdict[tuple[str, str, str], Score] = defaultdict(Score)
    with serving(options.base_url) as base_url, Worker("benchmarks.reference_whisper") as whisper:
        client = Client(base_url)
        for recording in recordings:
            for system, text in _texts(recording, client, whisper):
                scores = score_languages(_turns(recording), text)
                note(f"{recording.conversation.uri}, {system}: {_summary(scores)}")
                for language, score in scores.items():
                    totals[recording.half, language, system].add(score)
                    totals[recording.half, ALL, system].add(score)
    return "\n\n".join((ABOUT, METHOD, table(HEADER, _rows(totals))))


def score_languages(turns: list[tuple[str, str]], text: str) -> dict[str, Score]:
    """Scores a transcript against the turns (language, text), by language."""
    words = [(number, word) for number, (_, said) in enumerate(turns) for word in _words(said)]
    wrong, right = [0] * len(turns), [0] * len(turns)
    for kind, index, _ in align([word for _, word in words], _words(text)):
        counts = right if kind == EQUAL else wrong
        counts[words[index][0]] += 1
    scores: defaultdict[str, Score] = defaultdict(Score)
    for number, (language, said) in enumerate(turns):
        length = len(_words(said))
        is_counted = length >= MIN_WORDS
        scores[language].add(
            Score(Errors(wrong[number], length), is_counted, is_counted and not right[number])
        )
    return dict(scores)


def _words(text: str) -> list[str]:
    return normalise(text, FOLDED).split()


def _turns(recording: HardRecording) -> list[tuple[str, str]]:
    """Language and text of each turn: consecutive utterances of one person in one language."""
    groups = groupby(recording.utterances, key=lambda item: (item.turn.speaker, item.language))
    return [(language, " ".join(item.turn.text for item in items)) for (_, language), items in groups]


def _texts(recording: HardRecording, client: Client, whisper: Worker) -> Iterator[tuple[str, str]]:
    audio = recording.conversation.audio
    yield SERVER, client.transcribe(audio, language=None).body["text"]
    for system in (PLAIN, BATCHED):
        answer = whisper.request(
            audio=str(audio), language=None, multilingual=True, batched=system == BATCHED
        )
        yield system, answer.body["text"]


def _summary(scores: Scores) -> str:
    return ", ".join(
        f"{language} {percent(score.errors.rate)} ({score.lost} lost)" for language, score in scores.items()
    )


def _rows(totals: Mapping[tuple[str, str, str], Score]) -> Iterator[tuple[object, ...]]:
    for half, language in sorted(
        {key[:2] for key in totals}, key=lambda key: (key[0], key[1] == ALL, key[1])
    ):
        scores = [totals[half, language, system] for system in SYSTEMS]
        rates = (percent(score.errors.rate) for score in scores)
        lost = (f"{score.lost} of {score.turns}" for score in scores)
        yield half, language, scores[0].errors.length, *rates, *lost
