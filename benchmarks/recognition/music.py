"""What `separate_vocals=auto` classifies as music: mixes, clean speech and conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.eval_set import read_audio, read_conversations, read_mixes, read_utterances
from benchmarks.report import note, table
from benchmarks.values import Options
from utils.audio.music_detector import is_musical, music_score, probes

TITLE = "Music"

MIN_SECONDS = 10.0  # the detector never classifies shorter audio as music

METHOD = """\
The detector behind `separate_vocals=auto` on the 20 s mixes of `mixed/manifest.jsonl` and their clean
counterparts, on the utterances of `wer/` of at least 10 s, and on every conversation of `der/`. It is called
directly: detection needs no separation model. Its method and threshold were chosen on these mixes, so the
results are no evidence for other music."""

HEADER = ("recordings", "count", "classified as music")

NOISES = frozenset(("kitchen",))
"""Backgrounds that are not music."""


def measure(options: Options) -> str:
    return f"{METHOD}\n\n{table(HEADER, _rows(options))}"


def _rows(options: Options) -> Iterator[tuple[object, ...]]:
    mixes = read_mixes(options.eval_dir)
    for snr in sorted({mix.snr for mix in mixes}):
        music = [mix.audio for mix in mixes if mix.snr == snr and mix.background not in NOISES]
        yield _row(f"speech over music, {snr} dB", music)
    yield _row("speech over noise, 0 to 10 dB", [mix.audio for mix in mixes if mix.background in NOISES])
    yield _row("the clean speech of the mixes", sorted({mix.clean for mix in mixes}))
    utterances = read_utterances(options.eval_dir)
    yield _row("clean utterances", [item.audio for item in utterances if item.seconds >= MIN_SECONDS])
    conversations = read_conversations(options.eval_dir, with_long=not options.quick)
    yield _row("conversations", [item.audio for item in conversations])


def _row(name: str, recordings: Iterable[Path]) -> tuple[object, ...]:
    verdicts = [_has_music(path) for path in recordings]
    return name, len(verdicts), sum(verdicts)


def _has_music(path: Path) -> bool:
    samples = read_audio(path)
    verdict = is_musical([music_score(samples[span.start : span.stop]) for span in probes(len(samples))])
    note(f"{path.name}: {'music' if verdict else 'no music'}")
    return verdict
