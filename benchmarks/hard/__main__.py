"""Generates the hard set: `python -m benchmarks.hard FOLDER`, about ten minutes the first time.

Writes FOLDER/tune and FOLDER/held, each with a manifest, whose voices have no one in common. The same
evaluation audio always gives the same files.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio, read_mixes
from benchmarks.hard.listing import FOLDER
from benchmarks.hard.material import Voice, read_voices
from benchmarks.hard.mixing import babble, mix, utterances
from benchmarks.hard.recipes import SEED, drafts
from benchmarks.hard.writing import write, write_manifest
from benchmarks.report import note
from models import Audio


def generate(eval_dir: Path, folder: Path) -> None:
    """Writes both halves below `folder`."""
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hard", description="Generate the hard set.")
    audio = Path(os.environ.get("EVAL_DIR", "../shared/eval"))
    parser.add_argument("--eval", type=Path, default=audio, metavar="DIR", help="evaluation audio (EVAL_DIR)")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    arguments = parser.parse_args()
    generate(arguments.eval, arguments.folder)


if __name__ == "__main__":
    main()
