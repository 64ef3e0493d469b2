"""The command `transcription-server`, which is also `python -m transcription_server`."""

from __future__ import annotations

import sys
from pathlib import Path

from transcription_server import __version__

COMMAND = "transcription-server"
HELP = f"""\
{COMMAND}: an OpenAI-compatible speech-to-text server, and its command-line client.

  {COMMAND}                       start the server
  {COMMAND} RECORDING [options]   transcribe a recording through a running server
  {COMMAND} pull-models [--all]   fetch and try the models of the stages that are on
  {COMMAND} --version             print the version
  {COMMAND} --help                print this

The server listens on http://127.0.0.1:8000. Its settings come from the environment, or from a file
named .env in the folder where it is started: HOST=0.0.0.0 PORT=9000 {COMMAND}
The options of the client are listed by: {COMMAND} RECORDING --help"""

FOLDER = Path(__file__).parent
ROOT = FOLDER if (FOLDER / "server.py").exists() else FOLDER.parent  # in the repository they lie beside it


def main() -> None:
    words = sys.argv[1:]
    if words in (["-h"], ["--help"]):
        print(HELP)
    elif words == ["--version"]:
        print(COMMAND, __version__)
    else:
        _run(words)


def _run(words: list[str]) -> None:
    """The server, or what the words ask for."""
    _put_our_modules_first()
    if words:
        from cli.__main__ import main as run_client

        sys.exit(run_client(words, COMMAND))
    from server import main as serve

    serve()


def _put_our_modules_first() -> None:
    """Their names are common: somebody else's `utils`, installed or in the working folder, is not meant."""
    if sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    sys.path.insert(0, str(ROOT))


if __name__ == "__main__":
    main()
