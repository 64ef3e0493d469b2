"""The command `transcription-server`, also run by `python -m transcription_server`."""

from __future__ import annotations

import sys
from pathlib import Path

COMMAND = "transcription-server"
HELP = f"""\
{COMMAND}: an OpenAI-compatible speech-to-text server, and its command-line client.

  {COMMAND}                       start the server
  {COMMAND} RECORDING [options]   transcribe a recording through a running server
  {COMMAND} live [options]        transcribe what is said into the microphone
  {COMMAND} pull-models [--all]   download the models of the enabled stages and check them
  {COMMAND} install-weights       install the weights of the embedded models, as the first start does
  {COMMAND} health [--ready]      check that the server answers, or that it can transcribe
  {COMMAND} --version             print the version
  {COMMAND} --help                print this

The server listens on http://127.0.0.1:8000. Its settings come from the environment, or from a .env file
in the working directory: HOST=0.0.0.0 PORT=9000 {COMMAND}
For the options of the client, run: {COMMAND} RECORDING --help"""

FOLDER = Path(__file__).parent
ROOT = FOLDER if (FOLDER / "server.py").exists() else FOLDER.parent  # in the repository: one level up


def main() -> None:
    argv = sys.argv[1:]
    if argv in (["-h"], ["--help"]):
        print(HELP)
    else:
        _prepend_root_to_path()
        _run(argv)


def _run(argv: list[str]) -> None:
    """Prints the version, or runs the client if there are arguments, else the server."""
    if argv == ["--version"]:
        from config import VERSION

        print(COMMAND, VERSION)
        return
    if argv:
        from cli.__main__ import main as run_client

        sys.exit(run_client(argv, COMMAND))
    from server import main as serve

    _install_missing_weights()
    serve()


def _install_missing_weights() -> None:
    """At the first start."""
    from pydantic import ValidationError

    from cli.install_weights import install_missing_weights
    from config import Settings
    from exceptions import TranscriptionServerError

    try:
        install_missing_weights(Settings())
    except ValidationError:
        return  # the server says what is wrong
    except TranscriptionServerError as error:
        sys.exit(f"Cannot start: {error.message}")


def _prepend_root_to_path() -> None:
    """Names such as `utils` are common; one installed or in the working folder must not shadow ours."""
    if sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    sys.path.insert(0, str(ROOT))


if __name__ == "__main__":
    main()
