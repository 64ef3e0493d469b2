"""Command line: `python -m cli recording.mp3 -f srt` and `python -m cli pull-models`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from cli.transcribe import transcribe
from config import Settings
from exceptions import TranscriptionServerError

PULL_MODELS = "pull-models"


def main(argv: Sequence[str], command: str = "python -m cli") -> int:
    """Run the command line; returns the exit status. `command` is the program name shown in help."""
    return _pull_models(argv[1:], command) if argv[:1] == [PULL_MODELS] else transcribe(argv, command)


def _pull_models(argv: Sequence[str], command: str) -> int:
    from cli.pull_models import pull_models  # imports the whole server

    parser = argparse.ArgumentParser(
        prog=f"{command} {PULL_MODELS}",
        description="Download the models of enabled stages and check that they load.",
    )
    parser.add_argument("--all", action="store_true", help="the models of all stages, enabled or not")
    arguments = parser.parse_args(argv)
    try:
        return asyncio.run(pull_models(Settings(), every_stage=arguments.all))
    except ValidationError as error:
        sys.exit(f"Invalid settings.\n{error}")
    except TranscriptionServerError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
