"""`python -m cli live` as a program, against a server that answers as a script says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from tests.cli.live_server import Event, Session, live_server, says_good_morning
from tests.recordings import tone, wav
from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
SOUND = bytes(range(256)) * 100


def run(
    url: str, *words: str | Path, sound: bytes = SOUND, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "cli", "live", "--url", url, *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, input=sound, capture_output=True, timeout=60, env=os.environ | environment
    )


def test_standard_input_is_sent_and_its_text_printed() -> None:
    with live_server() as (url, session):
        done = run(url, "-", "--rate", "16000", "-l", "de", "--speakers", OPENAI_API_KEY="secret")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Good morning.\n", b"")
    assert session.sound == SOUND
    sent = session.received[0]["session"]["audio"]["input"]
    assert sent["format"] == {"type": "audio/pcm", "rate": 16_000}
    assert sent["transcription"] == {
        "model": "whisper-1",
        "language": "de",
        "diarize": True,
        "words": True,
        "interim": False,
    }
    assert sent["turn_detection"] == {"type": "server_vad"}
    assert session.request
    assert session.request.path == "/v1/realtime?intent=transcription"
    assert session.request.headers["Authorization"] == "Bearer secret"


def test_a_file_is_played_at_24_khz(tmp_path: Path) -> None:
    recording = tmp_path / "talk.wav"
    recording.write_bytes(wav(tone(0.35)))
    with live_server() as (url, session):
        done = run(url, "--from", recording)
    assert done.stdout == b"Good morning.\n"
    appended = [event for event in session.received if "audio" in event]
    assert len(appended) == 4
    heard = np.frombuffer(session.sound, "<i2")
    assert abs(len(heard) - 0.35 * 24_000) < 50
    assert abs(float(np.abs(heard).max()) - 0.3 * 32767) < 500


def test_events_are_printed_as_they_are() -> None:
    with live_server() as (url, session):
        done = run(url, "-", "--json", "--turns", "semantic")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"].rpartition(".")[2] for event in events] == [
        "created",
        "committed",
        "completed",
        "cleared",
    ]
    assert session.received[0]["session"]["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}


def test_turns_that_are_not_answered_yet_are_waited_for() -> None:
    def late(session: Session, event: Event) -> None:
        if event["type"] == "input_audio_buffer.clear":
            session.tell("input_audio_buffer.committed", item_id="item_1")
            session.tell("input_audio_buffer.cleared")
            session.complete("Two.", "item_2")
            session.complete("One.", "item_1")

    with live_server(late) as (url, _):
        assert run(url, "-").stdout == b"Two.\nOne.\n"


def test_a_turn_that_failed_is_told_and_counts() -> None:
    def failing(session: Session, event: Event) -> None:
        if event["type"] == "input_audio_buffer.commit":
            session.tell("input_audio_buffer.committed", item_id="item_1")
            kind = "conversation.item.input_audio_transcription.failed"
            session.tell(kind, item_id="item_1", error={"message": "It broke."})
        says_good_morning(session, event if event["type"].endswith("clear") else {"type": ""})

    with live_server(failing) as (url, _):
        done = run(url, "-")
    assert (done.returncode, done.stdout) == (1, b"[not transcribed: It broke.]\n")


def test_an_empty_end_is_no_error() -> None:
    def empty(session: Session, event: Event) -> None:
        if event["type"] == "input_audio_buffer.commit":
            session.tell(
                "error", error={"code": "input_audio_buffer_commit_empty", "message": "Nothing there."}
            )
        says_good_morning(session, event if event["type"].endswith("clear") else {"type": ""})

    with live_server(empty) as (url, _):
        done = run(url, "-", sound=b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_error_of_the_server_is_one_line() -> None:
    def refusing(session: Session, event: Event) -> None:
        session.tell("error", error={"code": "invalid_value", "message": "No such language."})

    with live_server(refusing) as (url, _):
        done = run(url, "-")
    assert (done.returncode, done.stderr) == (1, b"No such language.\n")


def test_a_refusal_before_the_session_is_one_line() -> None:
    body = json.dumps({"error": {"message": "Incorrect API key."}}).encode()
    headers = Headers({"Content-Length": str(len(body))})
    with live_server(refusal=Response(401, "Unauthorized", headers, body)) as (url, _):
        done = run(url, "-")
    assert (done.returncode, done.stderr) == (1, b"Incorrect API key.\n")
    with live_server(refusal=Response(404, "Not Found", Headers({"Content-Length": "0"}), b"")) as (url, _):
        assert run(url, "-").stderr == b"The server answered with status 404; check the URL.\n"


def test_a_server_that_closes_or_is_not_there_is_named() -> None:
    def leaving(session: Session, event: Event) -> None:
        assert session.socket
        session.socket.close(1012, "restart")

    with live_server(leaving) as (url, _):
        done = run(url, "-")
    assert done.returncode == 1
    assert b"1012" in done.stderr
    assert b"restart" in done.stderr
    done = run("http://127.0.0.1:9/v1", "-")
    assert done.returncode == 1
    assert b"make serve" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("raise ImportError", b"pip install"),
        ("raise OSError('PortAudio library not found')", b"libportaudio2"),
    ],
)
def test_without_a_microphone_it_says_what_is_missing(tmp_path: Path, module: str, advice: bytes) -> None:
    (tmp_path / "sounddevice.py").write_text(module)
    done = run("http://127.0.0.1:9/v1", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert advice in done.stderr
    assert b"Traceback" not in done.stderr


MICROPHONE = """
class RawInputStream:
    def __init__(self, **format):
        assert format == {"samplerate": 24_000, "channels": 1, "dtype": "int16"}
        self.pieces = 3
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def read(self, frames):
        self.pieces -= 1
        if self.pieces < 0:
            raise OSError("Device unavailable")
        return b"m" * frames * 2, False
"""


def test_a_microphone_is_heard_until_it_fails(tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text(MICROPHONE)
    with live_server() as (url, session):
        done = run(url, PYTHONPATH=str(tmp_path))
        wait_until(lambda: session.sound == b"m" * 3 * 4800)
    assert (done.returncode, done.stderr) == (1, b"The sound cannot be read: Device unavailable\n")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.wav"
    assert b"--from" in run("http://127.0.0.1:9/v1", "--from", nothing).stderr
    nothing.write_bytes(b"no sound at all")
    with live_server() as (url, _):
        done = run(url, "--from", nothing)
    assert done.returncode == 1
    assert b"could not be decoded" in done.stderr
