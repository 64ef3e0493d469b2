"""Word error rate of the server compared with faster-whisper's own batched pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.eval_set import Utterance, read_utterances
from benchmarks.report import note, percent, table
from benchmarks.server_process import serving
from benchmarks.text_scores import CHARACTER_LANGUAGES, Errors, count_errors
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Word error rate"

METHOD = """\
Every row of `wer/manifest.jsonl`, with its language given, through the server (`json`) and through
faster-whisper's `BatchedInferencePipeline` (base, int8, beam 5, batch 8, otherwise its defaults) in the same
run. Rates are corpus-level: all errors over all reference words. English uses Whisper's English normaliser,
other languages its basic one (accents folded for Spanish, yo as ye for Russian); Chinese and Japanese are
scored by character. Errors are server / faster-whisper; better and worse count the files in which the server
makes fewer or more errors."""

HEADER = ("set", "files", "words", "server", "faster-whisper", "errors", "better", "worse", "same")

PROMPT_PREFIX = "asterisk"
"""Sets of telephone prompts: short, and full of spelled-out numbers."""


@dataclass(frozen=True, slots=True)
class Scored:
    utterance: Utterance
    server: Errors
    pipeline: Errors
    server_seconds: float
    pipeline_seconds: float


def measure(options: Options) -> str:
    utterances = read_utterances(options.eval_dir)
    with serving(options.base_url) as base_url, Worker("benchmarks.reference_whisper") as pipeline:
        client = Client(base_url)
        _score(utterances[0], client, pipeline)  # warm-up: some models load on first use
        scored = [_score(utterance, client, pipeline) for utterance in utterances]
    return "\n\n".join([METHOD, table(HEADER, _rows(scored)), _speed(scored)])


def _score(utterance: Utterance, client: Client, pipeline: Worker) -> Scored:
    answer = client.transcribe(utterance.audio, language=utterance.language)
    reference = pipeline.request(audio=str(utterance.audio), language=utterance.language)
    scored = Scored(
        utterance,
        count_errors(utterance.text, answer.body["text"], utterance.language),
        count_errors(utterance.text, reference.body["text"], utterance.language),
        answer.seconds,
        reference.seconds,
    )
    note(f"{utterance.audio.name}: server {scored.server.count}, faster-whisper {scored.pipeline.count}")
    return scored


def _rows(scored: list[Scored]) -> Iterable[tuple[object, ...]]:
    sets = dict.fromkeys((item.utterance.language, item.utterance.subset) for item in scored)
    for language, subset in sets:
        chosen = [
            item for item in scored if (item.utterance.language, item.utterance.subset) == (language, subset)
        ]
        unit = " (characters)" if language in CHARACTER_LANGUAGES else ""
        yield _row(f"{language} {subset}{unit}", chosen)
    words = [item for item in scored if item.utterance.language not in CHARACTER_LANGUAGES]
    english = [item for item in words if item.utterance.language == "en"]
    plain = [item for item in english if not item.utterance.subset.startswith(PROMPT_PREFIX)]
    yield _row("**English without the prompts**", plain)
    yield _row("**English**", english)
    yield _row("**other languages, words**", [item for item in words if item not in english])
    yield _row("**all words**", words)
    yield _row("**all characters**", [item for item in scored if item not in words])


def _row(name: str, scored: list[Scored]) -> tuple[object, ...]:
    server = sum((item.server for item in scored), Errors())
    pipeline = sum((item.pipeline for item in scored), Errors())
    differences = [item.server.count - item.pipeline.count for item in scored]
    better, worse = sum(d < 0 for d in differences), sum(d > 0 for d in differences)
    return (
        name,
        len(scored),
        server.length,
        percent(server.rate),
        percent(pipeline.rate),
        f"{server.count} / {pipeline.count}",
        better,
        worse,
        len(scored) - better - worse,
    )


def _speed(scored: list[Scored]) -> str:
    audio = sum(item.utterance.seconds for item in scored)
    server = sum(item.server_seconds for item in scored)
    pipeline = sum(item.pipeline_seconds for item in scored)
    return (
        f"{audio / 60:.1f} minutes of audio, one file at a time: "
        f"server {server:.0f} s over HTTP, faster-whisper {pipeline:.0f} s in its process."
    )
