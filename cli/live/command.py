"""`python -m cli live`: writes what is said into the microphone while it is said."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from cli.live.keys import commit_when_entered, end_when_interrupted
from cli.live.session import Inbox, LiveError, talk
from cli.live.sources import RATE, microphone, played, standard_input
from cli.live.views import print_complete, print_event, terminal, text_view

INTERRUPTED = 130  # as a shell calls what SIGINT has ended
TURNS = {"server": {"type": "server_vad"}, "semantic": {"type": "semantic_vad"}, "commit": None}


def live(argv: Sequence[str], command: str) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser(command)
    arguments = parser.parse_args(argv)
    if arguments.file and (arguments.stdin or not arguments.file.is_file()):
        parser.error("--from wants a file, and nothing else to transcribe")
    try:
        return 0 if asyncio.run(_transcribe(arguments, _source(arguments))) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except LiveError as error:
        sys.exit(str(error))
    except InvalidStatus as error:
        sys.exit(_refusal(error))
    except ConnectionClosed as error:
        sys.exit(f"The server closed the connection: {error}.")
    except (OSError, InvalidHandshake, InvalidURI) as error:
        hint = "start one with `make serve` or `transcription-server`"
        sys.exit(f"The server at {arguments.url} cannot be reached ({error}); {hint}.")


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command,
        description="Write what is said into the microphone while it is said. Ctrl-C ends, a second at once.",
    )
    parser.add_argument("stdin", nargs="?", choices=["-"], help="raw 16-bit mono samples from standard input")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="file", help="play a file instead")
    parser.add_argument("--rate", type=int, default=RATE, help=f"of standard input, {RATE} Hz by default")
    parser.add_argument("-l", "--language", help="code, locale or name; detected by default")
    parser.add_argument("--speakers", action="store_true", help="say who speaks")
    parser.add_argument(
        "--turns",
        choices=list(TURNS),
        default="server",
        help="what ends a turn: a silence (server), a silence after a sentence (semantic), or Enter (commit)",
    )
    parser.add_argument("--json", action="store_true", help="the events of the server, one a line")
    url = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    parser.add_argument(
        "--url",
        "--base-url",
        default=url,
        help="base URL, by default OPENAI_BASE_URL; the key is OPENAI_API_KEY",
    )
    return parser


def _source(arguments: argparse.Namespace) -> Iterator[bytes]:
    if arguments.file:
        return played(arguments.file)
    if arguments.stdin:
        return standard_input(arguments.rate)
    try:
        return microphone(importlib.import_module("sounddevice"))
    except ImportError:
        sys.exit(
            "A microphone needs the package sounddevice: pip install 'transcription-server[microphone]'."
        )
    except OSError as error:
        sys.exit(f"A microphone needs PortAudio ({error}); on Debian: apt install libportaudio2.")


async def _transcribe(arguments: argparse.Namespace, pieces: Iterator[bytes]) -> bool:
    """Whether every turn could be transcribed."""
    running: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]
    screen = terminal() if sys.stdout.isatty() and not arguments.json else None
    view = print_event if arguments.json else text_view(screen.show if screen else print_complete)
    url = f"{arguments.url.rstrip('/').replace('http', 'ws', 1)}/realtime?intent=transcription"
    headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unused')}"}
    async with connect(url, additional_headers=headers, max_size=None, compression=None) as socket:
        inbox = Inbox()
        inbox.fill(pieces)
        end_when_interrupted(inbox, running.cancel)
        if arguments.turns == "commit" and screen and sys.stdin.isatty():
            commit_when_entered(inbox, screen.entered)
        return await talk(socket, _settings(arguments, interim=bool(screen or arguments.json)), inbox, view)


def _settings(arguments: argparse.Namespace, interim: bool) -> dict[str, Any]:
    transcription = {"model": "whisper-1", "interim": interim}
    if arguments.speakers:
        transcription |= {"diarize": True, "words": True}
    if arguments.language:
        transcription["language"] = arguments.language
    sound = {
        "format": {"type": "audio/pcm", "rate": arguments.rate if arguments.stdin else RATE},
        "transcription": transcription,
        "turn_detection": TURNS[arguments.turns],
    }
    return {"type": "transcription", "audio": {"input": sound}}


def _refusal(error: InvalidStatus) -> str:
    """The message of the server."""
    try:
        return str(json.loads(error.response.body or b"")["error"]["message"])
    except (ValueError, LookupError, TypeError):
        status = error.response.status_code
        return f"The server answered with status {status}; check the URL."
