"""Command line: `python -m cli pull-models`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from cli.pull_models import pull_models
from config import Settings
from exceptions import TranscriptionServerError


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m cli")
    commands = parser.add_subparsers(dest="command", required=True)
    pull = commands.add_parser("pull-models", help="fetch and try the models of the stages that are on")
    pull.add_argument("--all", action="store_true", help="those of every stage, whether it is on or off")
    arguments = parser.parse_args(words)
    try:
        return asyncio.run(pull_models(Settings(), every_stage=arguments.all))
    except TranscriptionServerError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
