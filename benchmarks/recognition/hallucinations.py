"""Words that are written where nobody speaks."""

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

TITLE = "Words where nobody speaks"

SECONDS = 30
PAUSE = 20
SLOPES = {"white": 0, "pink": 1, "brown": 2}
LEVELS = (-40, -20)
SPOKEN_SET = "librispeech-test-other"
SPOKEN = 6
PERMISSIVE = '{"type": "server_vad", "threshold": 0}'
SHOWN = 40  # characters

METHOD = f"""\
{SECONDS} s each of silence, of noise made here (level as root mean square of full scale), and of the
backgrounds of `mixed/` without their speech, through the server (`json`, English given): by default, and with
`chunking_strategy` at threshold 0, which takes everything for speech, so that all of it reaches the
recogniser."""

PAUSES = f"""\
{SPOKEN} utterances of {SPOKEN_SET} with {PAUSE} s of a sound after each: errors over the words that were
said, by default and with everything taken for speech. Against a second of silence between them, the
difference is what the pauses do."""


def measure(options: Options) -> str:
    with serving(options.base_url) as base_url, tempfile.TemporaryDirectory() as folder:
        client, path = Client(base_url), Path(folder) / "sound.flac"
        empty = list(_empty(client, path, _sounds(options.eval_dir)))
        spoken = list(_spoken(client, path, options.eval_dir))
    header = ("sound", "words", "words, threshold 0", "text, threshold 0")
    return "\n\n".join(
        [
            METHOD,
            table(header, empty),
            PAUSES,
            table(("sound between", "words said", "errors", "errors, threshold 0"), spoken),
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
    """What is left of the loudest mixes without their speech, which has the same gain in both."""
    mixes = [mix for mix in read_mixes(eval_dir) if mix.snr == 0]
    return {
        mix.background: np.resize(read_audio(mix.audio) - read_audio(mix.clean), SECONDS * SAMPLE_RATE)
        for mix in mixes
    }


def _empty(client: Client, path: Path, sounds: Mapping[str, Audio]) -> Iterator[tuple[object, ...]]:
    for name, sound in sounds.items():
        write_flac(sound, path)
        usual, permissive = _texts(client, path)
        note(f"{name}: {len(usual.split())}, {len(permissive.split())}")
        shown = normalise(permissive, "en")[:SHOWN]
        yield name, len(normalise(usual, "en").split()), len(normalise(permissive, "en").split()), shown


def _spoken(client: Client, path: Path, eval_dir: Path) -> Iterator[tuple[object, ...]]:
    said = [item for item in read_utterances(eval_dir) if item.subset == SPOKEN_SET][:SPOKEN]
    reference = " ".join(item.text for item in said)
    between = {
        "1 s of silence": silence(1),
        f"{PAUSE} s of silence": silence(PAUSE),
        f"{PAUSE} s of pink noise, -40 dB": noise(PAUSE, SLOPES["pink"], -40, seed=1),
        **{f"{PAUSE} s of {name}": sound for name, sound in _backgrounds(eval_dir).items()},
    }
    for name, sound in between.items():
        write_flac(_alternating(said, sound[: PAUSE * SAMPLE_RATE]), path)
        errors = [count_errors(reference, text, "en") for text in _texts(client, path)]
        note(f"{name}: {[error.count for error in errors]}")
        yield name, errors[0].length, *(error.count for error in errors)


def _alternating(said: list[Utterance], sound: Audio) -> Audio:
    return np.concatenate([part for item in said for part in (read_audio(item.audio), sound)])


def _texts(client: Client, path: Path) -> tuple[str, str]:
    usual = client.transcribe(path, language="en")
    permissive = client.transcribe(path, language="en", chunking_strategy=PERMISSIVE)
    return str(usual.body["text"]), str(permissive.body["text"])
