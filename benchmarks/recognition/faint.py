"""Whispered, quiet and distant speech, compared with the same weights without a speech detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.hard.listing import ABOUT, HardRecording, read_hard_recordings
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.text_scores import Errors, count_errors
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Faint speech"

METHOD = """\
The `whisper` (linear prediction with a noise excitation), `quiet` (-35 to -50 dB of full scale) and
`distance` recordings (some speakers 30 dB below others) of the hard set through the server (`json`,
language given) and through faster-whisper without a speech detector (base, int8, beam 5)."""

GROUPS = ("whisper", "quiet", "distance")
HEADER = ("half", "kind", "files", "words", "server", "without a detector", "ratio")


@dataclass(frozen=True, slots=True)
class Scored:
    recording: HardRecording
    server: Errors
    undetected: Errors


def measure(options: Options) -> str:
    recordings = read_hard_recordings(options, GROUPS)
    with serving(options.base_url) as base_url, Worker("benchmarks.reference_whisper") as whisper:
        client = Client(base_url)
        scored = [_score(recording, client, whisper) for recording in recordings]
    return "\n\n".join((ABOUT, METHOD, table(HEADER, _rows(scored))))


def _score(recording: HardRecording, client: Client, whisper: Worker) -> Scored:
    file = recording.conversation
    reference = " ".join(item.turn.text for item in recording.utterances)
    answer = client.transcribe(file.audio, language=file.language)
    alone = whisper.request(audio=str(file.audio), language=file.language, batched=False)
    server = count_errors(reference, answer.body["text"], file.language)
    undetected = count_errors(reference, alone.body["text"], file.language)
    note(f"{file.uri}: {percent(server.rate)}, without a detector {percent(undetected.rate)}")
    return Scored(recording, server, undetected)


def _rows(scored: list[Scored]) -> Iterator[tuple[object, ...]]:
    for half, kind in dict.fromkeys(item.recording.group for item in scored):
        chosen = [item for item in scored if item.recording.group == (half, kind)]
        server = sum((item.server for item in chosen), Errors())
        undetected = sum((item.undetected for item in chosen), Errors())
        ratio = f"{server.rate / undetected.rate:.2f}" if undetected.count else "-"
        yield half, kind, len(chosen), server.length, percent(server.rate), percent(undetected.rate), ratio
