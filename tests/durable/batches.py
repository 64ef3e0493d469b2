"""Batches through the official client: how one is written, started, waited for and read."""

from __future__ import annotations

import json
import time
from typing import Any

from openai import OpenAI
from openai.types import Batch

from tests.recordings import tone, wav

URL = "/v1/audio/transcriptions"
OVER = ("completed", "failed", "expired", "cancelled")


def client_of(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)


def recording(client: OpenAI, seconds: float) -> str:
    return client.files.create(file=("talk.wav", wav(tone(seconds))), purpose="user_data").id


def line(custom_id: str, file_id: str, **body: Any) -> dict[str, Any]:
    body = {"model": "whisper-1", "file_id": file_id} | body
    return {"custom_id": custom_id, "method": "POST", "url": URL, "body": body}


def start(client: OpenAI, *lines: dict[str, Any] | str, window: str = "24h", endpoint: str = URL) -> Batch:
    text = "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines)
    file = client.files.create(file=("lines.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=endpoint,  # type: ignore[arg-type]
        completion_window=window,  # type: ignore[arg-type]
        metadata={"from": "a test"},
    )


def finished(client: OpenAI, batch: Batch) -> Batch:
    deadline = time.monotonic() + 60
    while batch.status not in OVER:
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    return batch


def answers(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    assert file_id
    lines = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    return {entry["custom_id"]: entry for entry in lines}
