"""Programs that people have: LangChain and LiteLLM as they are, Open WebUI by the bytes that it sends."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from benchmarks.eval_set import read_audio
from tests.contract.peer_programs import DIALOGUE, needs_peers, run_peer
from tests.recordings import wav
from tests.servers import RunningServer


@needs_peers
@pytest.mark.contract("Clients", "LangChain `OpenAIWhisperParser`", "runs as it is")
def test_langchain_parses_a_recording(tiny_server: RunningServer, tmp_path: Path) -> None:
    recording = tmp_path / "dialogue.wav"
    recording.write_bytes(wav(read_audio(DIALOGUE)))
    assert "summer market" in run_peer("langchain_parse.py", tiny_server, recording)


@needs_peers
@pytest.mark.contract("Clients", "LiteLLM `transcription()`", "runs as it is")
def test_litellm_transcribes_a_recording(tiny_server: RunningServer) -> None:
    assert "summer market" in run_peer("litellm_transcribe.py", tiny_server, DIALOGUE)


@pytest.mark.contract("Clients", "Open WebUI", "the bytes it sends: a file part without a content type")
@pytest.mark.contract("Transcription fields", "`file`")
def test_the_request_of_open_webui_is_understood(tiny_server: RunningServer) -> None:
    """As `requests` writes `files={"file": (name, file)}` beside `data={"model": ..., "language": ...}`."""
    boundary = b"f5b1d8a0c6e94e5d8a7b"
    fields = {b"model": b"whisper-1", b"language": b"en"}
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary, name, value)
        for name, value in fields.items()
    ]
    head = b'Content-Disposition: form-data; name="file"; filename="0b9c.flac"'
    parts += [b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary, head, DIALOGUE.read_bytes(), boundary)]
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary.decode()}",
        "Authorization": "Bearer unused",
    }
    answer = httpx.post(
        f"{tiny_server.url}/v1/audio/transcriptions", content=b"".join(parts), headers=headers, timeout=60
    )
    assert "summer market" in answer.json()["text"]
