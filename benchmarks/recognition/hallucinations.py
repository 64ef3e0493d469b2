"""Hallucinations: words transcribed where there is no speech."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.client import Client
from benchmarks.eval_set import Utterance, read_audio, read_mixes, read_utterances
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.sounds import hum, noise, silence, write_flac
from benchmarks.text_scores import count_errors, normalise
from benchmarks.values import Options
from models import SAMPLE_RATE, Audio

TITLE = "Hallucinations"

SECONDS = 30
PAUSE = 20
SLOPES = {"white": 0, "pink": 1, "brown": 2}
LEVELS = (-40, -20)
UTTERANCE_SET = "librispeech-test-other"
NUM_UTTERANCES = 6
PERMISSIVE = '{"type": "server_vad", "threshold": 0}'
MAX_SHOWN = 40  # characters

METHOD = f"""\
{SECONDS} s each of silence, of synthetic noise (root mean square level relative to full scale), and of the
backgrounds of `mixed/` with the speech subtracted, through the server (`json`, English given): with default
settings, and with `chunking_strategy` at threshold 0, which treats everything as speech, so that all of it
reaches the recogniser."""

PAUSES = f"""\
{NUM_UTTERANCES} utterances of {UTTERANCE_SET}, each followed by {PAUSE} s of a sound: word errors with
default settings and with everything treated as speech. The difference from one second of silence is the
effect of the pauses."""


def measure(options: Options) -> str:
    with serving(options.base_url) as base_url, tempfile.TemporaryDirectory() as folder:
        client, path = Client(base_url), Path(folder) / "sound.flac"
        non_speech_rows = list(_non_speech_rows(client, path, _sounds(options.eval_dir)))
        pause_rows = list(_pause_rows(client, path, options.eval_dir))
    header = ("sound", "words", "words, threshold 0", "text, threshold 0")
    return "\n\n".join(
        [
            METHOD,
            table(header, non_speech_rows),
            PAUSES,
            table(("pause", "reference words", "errors", "errors, threshold 0"), pause_rows),
        ]
    )


def _sounds(eval_dir: Path) -> dict[str, Audio]:
    noises = {
        f"{name} noise, {level} dB": noise(SECONDS, slope, level, seed=level + 100)
        for name, slope in SLOPES.items()
        for level in LEVELS
    }
    return {
        "silence": silence(SECONDS),
        **noises,
        "hum, -30 dB": hum(SECONDS, -30),
        **_backgrounds(eval_dir),
    }


def _backgrounds(eval_dir: Path) -> dict[str, Audio]:
    """The loudest mixes minus their clean speech, which has the same gain in both files."""
    mixes = [mix for mix in read_mixes(eval_dir) if mix.snr == 0]
    return {
        mix.background: np.resize(read_audio(mix.audio) - read_audio(mix.clean), SECONDS * SAMPLE_RATE)
        for mix in mixes
    }


def _non_speech_rows(client: Client, path: Path, sounds: Mapping[str, Audio]) -> Iterator[tuple[object, ...]]:
    for name, sound in sounds.items():
        write_flac(sound, path)
        default, permissive = _texts(client, path)
        note(f"{name}: {len(default.split())}, {len(permissive.split())}")
        shown = normalise(permissive, "en")[:MAX_SHOWN]
        yield name, len(normalise(default, "en").split()), len(normalise(permissive, "en").split()), shown


def _pause_rows(client: Client, path: Path, eval_dir: Path) -> Iterator[tuple[object, ...]]:
    utterances = [item for item in read_utterances(eval_dir) if item.subset == UTTERANCE_SET][:NUM_UTTERANCES]
    reference = " ".join(item.text for item in utterances)
    between = {
        "1 s of silence": silence(1),
        f"{PAUSE} s of silence": silence(PAUSE),
        f"{PAUSE} s of pink noise, -40 dB": noise(PAUSE, SLOPES["pink"], -40, seed=1),
        **{f"{PAUSE} s of {name}": sound for name, sound in _backgrounds(eval_dir).items()},
    }
    for name, sound in between.items():
        write_flac(_alternating(utterances, sound[: PAUSE * SAMPLE_RATE]), path)
        errors = [count_errors(reference, text, "en") for text in _texts(client, path)]
        note(f"{name}: {[error.count for error in errors]}")
        yield name, errors[0].length, *(error.count for error in errors)


def _alternating(utterances: list[Utterance], sound: Audio) -> Audio:
    return np.concatenate([part for item in utterances for part in (read_audio(item.audio), sound)])


def _texts(client: Client, path: Path) -> tuple[str, str]:
    default = client.transcribe(path, language="en")
    permissive = client.transcribe(path, language="en", chunking_strategy=PERMISSIVE)
    return str(default.body["text"]), str(permissive.body["text"])
