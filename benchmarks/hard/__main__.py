"""Generates the hard set again: `python -m benchmarks.hard [FOLDER]`, a few minutes.

Sections that need the set generate it on their own if it is missing.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.hard.generation import generate
from benchmarks.hard.listing import FOLDER


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hard", description="Generate the hard set.")
    audio = Path(os.environ.get("EVAL_DIR", "../shared/eval"))
    parser.add_argument("--eval", type=Path, default=audio, metavar="DIR", help="evaluation audio (EVAL_DIR)")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    arguments = parser.parse_args()
    generate(arguments.eval, arguments.folder)


if __name__ == "__main__":
    main()
