"""Command line: `python -m cli recording.mp3 -f srt`, `python -m cli pull-models`, `python -m cli health`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from config import Settings
from exceptions import TranscriptionServerError

PULL_MODELS = "pull-models"
HEALTH = "health"


def main(argv: Sequence[str], command: str = "python -m cli") -> int:
    """Run the command line; returns the exit status. `command` is the program name shown in help."""
    try:
        if argv[:1] == [PULL_MODELS]:
            return _pull_models(argv[1:], f"{command} {PULL_MODELS}")
        if argv[:1] == [HEALTH]:
            return _health(argv[1:], f"{command} {HEALTH}")
    except ValidationError as error:
        sys.exit(f"Invalid settings.\n{error}")
    except TranscriptionServerError as error:
        sys.exit(error.message)
    from cli.transcribe import transcribe

    return transcribe(argv, command)


def _pull_models(argv: Sequence[str], command: str) -> int:
    from cli.pull_models import pull_models  # imports the whole server

    parser = argparse.ArgumentParser(
        prog=command,
        description="Download the models of enabled stages and check that they load.",
    )
    parser.add_argument("--all", action="store_true", help="the models of all stages, enabled or not")
    arguments = parser.parse_args(argv)
    return asyncio.run(pull_models(Settings(), every_stage=arguments.all))


def _health(argv: Sequence[str], command: str) -> int:
    from cli.health import check_health

    parser = argparse.ArgumentParser(
        prog=command, description="Check that the server of these settings (HOST, PORT) answers."
    )
    parser.add_argument("--ready", action="store_true", help="and that it can transcribe")
    arguments = parser.parse_args(argv)
    return check_health(Settings(), arguments.ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
