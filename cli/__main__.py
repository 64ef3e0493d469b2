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


def main(words: Sequence[str], command: str = "python -m cli") -> int:
    """Do what the words say; the exit status. `command` is what help calls the program."""
    return _pull_models(words[1:], command) if words[:1] == [PULL_MODELS] else transcribe(words, command)


def _pull_models(words: Sequence[str], command: str) -> int:
    from cli.pull_models import pull_models  # brings the whole server

    parser = argparse.ArgumentParser(
        prog=f"{command} {PULL_MODELS}", description="Fetch and try the models of the stages that are on."
    )
    parser.add_argument("--all", action="store_true", help="those of every stage, whether it is on or off")
    arguments = parser.parse_args(words)
    try:
        return asyncio.run(pull_models(Settings(), every_stage=arguments.all))
    except ValidationError as error:
        sys.exit(f"A setting is wrong.\n{error}")
    except TranscriptionServerError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
