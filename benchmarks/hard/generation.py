"""Generates both halves of the hard set. The same evaluation audio always gives the same files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio, read_mixes
from benchmarks.hard.material import Voice, read_voices
from benchmarks.hard.mixing import babble, mix, utterances
from benchmarks.hard.recipes import SEED, drafts
from benchmarks.hard.writing import write, write_manifest
from benchmarks.report import note
from models import Audio


def generate(eval_dir: Path, folder: Path) -> None:
    """Writes both halves below `folder`, each with a manifest. Raises `MissingAudioError`."""
    folder.mkdir(parents=True, exist_ok=True)
    recorded = {
        item.background: read_audio(item.audio) - read_audio(item.clean)
        for item in read_mixes(eval_dir)
        if item.snr == 0
    }
    for half, voices in read_voices(eval_dir, folder).items():
        _generate_half(half, voices, recorded, folder / half)


def _generate_half(half: str, voices: Sequence[Voice], recorded: Mapping[str, Audio], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    backgrounds = {**recorded, "babble": babble(voices, np.random.default_rng(SEED))}
    rows = []
    for draft in drafts(half, voices):
        rng = np.random.default_rng([SEED, *f"mix {half} {draft.name}".encode()])
        samples = mix(draft, backgrounds, rng)
        rows.append(write(folder, draft, samples, utterances(draft.lines)))
        note(f"{half}/{draft.name}")
    write_manifest(folder, rows)
