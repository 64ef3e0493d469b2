"""`python -m cli live` on a pseudo-terminal: what it shows, and what its keys do."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.live_server import Event, Session, live_server, says_good_morning
from tests.cli.screen import plain, shown
from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
COLUMNS = 24
MICROPHONE = """
import time
class RawInputStream:
    def __init__(self, **_): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def read(self, frames):
        time.sleep(0.01)
        return bytes(2 * frames), False
"""


class Program:
    """The client on a terminal of 24 columns, with a microphone that hears silence."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._written = b""
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def screen(self) -> list[str]:
        return [plain(row) for row in shown(self._written.decode())]

    @property
    def written(self) -> str:
        return self._written.decode()

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def wait(self) -> int:
        return self.process.wait(timeout=30)

    def _read(self) -> None:
        try:
            while some := os.read(self._terminal, 4096):
                self._written += some
        except OSError:  # the other end is closed
            pass


@contextmanager
def on_a_terminal(url: str, folder: Path, *words: str) -> Iterator[Program]:
    (folder / "sounddevice.py").write_text(MICROPHONE)
    terminal, its_own = pty.openpty()
    fcntl.ioctl(its_own, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "cli", "live", "--url", url, *words]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=its_own, stdout=its_own, stderr=its_own, env=environment
    )
    os.close(its_own)
    try:
        yield Program(process, terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def speaks(session: Session, event: Event) -> None:
    """Tells something at the first sound, and more at the next; then completes the turn when asked."""
    appended = session.kinds.count("input_audio_buffer.append")
    if event["type"] == "session.update":
        assert event["session"]["audio"]["input"]["transcription"]["interim"]
    elif appended == 1 and len(session.received) == 2:
        session.delta("Shall we go home", " new")
    elif appended == 2 and len(session.received) == 3:
        kind = "conversation.item.input_audio_transcription.segment"
        session.tell(kind, item_id="item_1", id="segment_1", speaker="A", text="Shall we go")
        session.delta(" now", " or later")
    says_good_morning(session, event)


def test_settled_words_speakers_and_the_faint_rest(tmp_path: Path) -> None:
    with live_server(speaks) as (url, _), on_a_terminal(url, tmp_path, "--speakers") as program:
        wait_until(lambda: program.screen == ["A: Shall we go", "home now or later"])
        assert "\x1b[1mA: \x1b[0mShall we go" in program.written
        assert "home now\x1b[2m or later\x1b[0m" in program.written
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 0
        wait_until(lambda: program.screen == ["A: Good morning."])


def test_the_first_interrupt_commits_and_the_second_ends_at_once(tmp_path: Path) -> None:
    def silent(session: Session, event: Event) -> None: ...

    with live_server(silent) as (url, session), on_a_terminal(url, tmp_path) as program:
        session.wait_for("input_audio_buffer.append")
        program.process.send_signal(signal.SIGINT)
        session.wait_for("input_audio_buffer.clear")
        assert session.kinds[-2:] == ["input_audio_buffer.commit", "input_audio_buffer.clear"]
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 130
        assert "Traceback" not in program.written


def test_enter_ends_a_turn(tmp_path: Path) -> None:
    with live_server() as (url, session), on_a_terminal(url, tmp_path, "--turns", "commit") as program:
        session.wait_for("input_audio_buffer.append")
        assert session.received[0]["session"]["audio"]["input"]["turn_detection"] is None
        program.press(b"\n")
        session.wait_for("input_audio_buffer.commit")
        wait_until(lambda: "Good morning." in program.written)
        assert program.process.poll() is None
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 0
