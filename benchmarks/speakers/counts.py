"""Diarization error of the server with and without a given number of speakers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.report import note, percent, table
from benchmarks.server_process import ServerProcess
from benchmarks.speakers.day import PROGRAM
from benchmarks.speakers.scores import DiarizationErrors, diarization_errors, read_reference, speaker_turns
from benchmarks.values import Options

TITLE = "With a given number of speakers"

METHOD = """\
Every file of `der/manifest.jsonl` through the server twice: without a number of speakers, and with
`num_speakers` as in the reference (*given*). The diarizer is the default one; the recogniser is the stub of
`python -m benchmarks day`, since words do not affect turns. Scored with pyannote.metrics, including
overlap."""

COLLARS = (0.0, 0.25)  # seconds on each side of a boundary
HEADER = ("file", "reference", "found", "found given", "DER", "DER given", "DER, 0.25 s", "DER given, 0.25 s")


@dataclass(frozen=True, slots=True)
class DiarizedAnswer:
    """The number of speakers in an answer, and its errors for each collar."""

    found: int
    errors: tuple[DiarizationErrors, ...]


@dataclass(frozen=True, slots=True)
class Row:
    conversation: Conversation
    estimated: DiarizedAnswer
    given: DiarizedAnswer


def measure(options: Options) -> str:
    conversations = read_conversations(options.eval_dir, with_long=not options.quick)
    with ServerProcess.running(PROGRAM, EVAL_DIR=str(options.eval_dir.resolve())) as server:
        client = Client(server.base_url)
        rows = [_row(conversation, client) for conversation in conversations]
    return "\n\n".join((METHOD, table(HEADER, _lines(rows))))


def _row(conversation: Conversation, client: Client) -> Row:
    estimated = _diarize(conversation, client)
    given = _diarize(conversation, client, num_speakers=str(conversation.num_speakers))
    note(f"{conversation.uri}: {estimated.found} {given.found}")
    return Row(conversation, estimated, given)


def _diarize(conversation: Conversation, client: Client, **fields: str) -> DiarizedAnswer:
    answer = client.transcribe_speakers(conversation.audio, language=conversation.language, **fields)
    turns = speaker_turns(answer.body)
    reference, uem = read_reference(conversation.rttm, conversation.uem, conversation.uri)
    errors = (diarization_errors(reference, uem, turns, collar=collar) for collar in COLLARS)
    return DiarizedAnswer(len({turn.speaker for turn in turns}), tuple(errors))


def _lines(rows: Sequence[Row]) -> Iterator[tuple[object, ...]]:
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        file = row.conversation
        kinds.setdefault(file.kind, []).append(row)
        yield file.uri, file.num_speakers, row.estimated.found, row.given.found, *_rates([row])
    for kind, group in kinds.items():
        yield f"**all {kind}**", "", "", "", *_rates(group)


def _rates(rows: Sequence[Row]) -> Iterator[str]:
    for collar in range(len(COLLARS)):
        for answers in ([row.estimated for row in rows], [row.given for row in rows]):
            yield percent(sum((answer.errors[collar] for answer in answers), DiarizationErrors()).rate)
