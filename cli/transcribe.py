"""`python -m cli recording.mp3 -f srt`: transcribes through a running server, with progress on stderr."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from tqdm import tqdm

from options import ResponseFormat

JOBS = "/audio/transcriptions"
POLL_SECONDS = 0.5
TIMEOUT = httpx2.Timeout(60, write=None)  # an upload may take any time


def transcribe(argv: Sequence[str], command: str) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser(command).parse_args(argv)
    key = os.environ.get("OPENAI_API_KEY", "unused")
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx2.Client(base_url=arguments.url, headers=headers, timeout=TIMEOUT) as client:
            body = _run_job(client, arguments.recording, _fields(arguments))
        if arguments.output:
            arguments.output.write_bytes(body)
        else:
            sys.stdout.buffer.write(body)
    except httpx2.HTTPError as error:
        hint = "start one with `make serve` or `transcription-server`"
        sys.exit(f"The server at {arguments.url} cannot be reached ({error}); {hint}.")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    return 0


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command,
        description=f"Transcribe a recording. `{command} live` transcribes a microphone, "
        f"`{command} pull-models` downloads models, and `{command} install-weights` those that are embedded.",
    )
    parser.add_argument("recording", type=Path)
    parser.add_argument("-f", "--format", choices=list(ResponseFormat), default=ResponseFormat.TEXT)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    parser.add_argument("-l", "--language", help="code, locale or name; detected by default")
    parser.add_argument(
        "-F",
        "--field",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field of the API, such as num_speakers=2",
    )
    url = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    parser.add_argument(
        "--url", default=url, help="base URL, by default OPENAI_BASE_URL; the key is OPENAI_API_KEY"
    )
    return parser


def _fields(arguments: argparse.Namespace) -> dict[str, list[str]]:
    fields = {"model": ["whisper-1"], "response_format": [str(arguments.format)], "background": ["true"]}
    if arguments.language:
        fields["language"] = [arguments.language]
    for field in arguments.field:
        name, _, value = field.partition("=")
        fields.setdefault(name, []).append(value)
    return fields


def _run_job(client: httpx2.Client, recording: Path, fields: dict[str, list[str]]) -> bytes:
    """The response body. The job is deleted from the server in any case."""
    with recording.open("rb") as file:
        job = _json(client.post(JOBS, data=fields, files={"file": (recording.name, file)}))
    try:
        _wait(client, job["id"])
        return _checked(client.get(f"{JOBS}/{job['id']}/content")).content
    finally:
        client.delete(f"{JOBS}/{job['id']}")


def _wait(client: httpx2.Client, job_id: str) -> None:
    with tqdm(unit="s", unit_scale=True, disable=None) as bar:  # None: no bar unless stderr is a terminal
        while True:
            job = _json(client.get(f"{JOBS}/{job_id}"))
            bar.total = round(job["seconds_total"], 1) or None
            bar.set_description(job["status"], refresh=False)
            bar.update(round(job["seconds_done"], 1) - bar.n)
            if job["status"] == "failed":
                sys.exit(job["error"]["message"])
            if job["status"] == "completed":
                return
            time.sleep(POLL_SECONDS)


def _json(response: httpx2.Response) -> Any:
    return _checked(response).json()


def _checked(response: httpx2.Response) -> httpx2.Response:
    """Exits with the server's error message if the request failed."""
    if response.is_error:
        try:
            message = response.json()["error"]["message"]
        except (ValueError, LookupError, TypeError):
            message = f"The server answered with status {response.status_code}; check the URL."
        sys.exit(message)
    return response
