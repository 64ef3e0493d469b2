"""A client of the transcription endpoint that times its requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from benchmarks.values import Answer

POLL_SECONDS = 2


class Client:
    def __init__(self, base_url: str, timeout: float | None = None) -> None:
        """`timeout` in seconds, for each network operation of a request."""
        self._http = httpx.Client(base_url=base_url, timeout=timeout)

    def transcribe(
        self,
        audio: Path,
        *,
        language: str | None,
        response_format: str = "json",
        **fields: str | Sequence[str],
    ) -> Answer:
        """Sends `fields` as additional form fields; without a `language` the server detects it. Raises
        `RuntimeError` unless the status is 200."""
        form = {"model": "whisper-1", "response_format": response_format, **fields}
        if language is not None:
            form["language"] = language
        started = time.perf_counter()
        with audio.open("rb") as file:
            response = self._http.post(
                "/v1/audio/transcriptions", data=form, files={"file": (audio.name, file)}
            )
        seconds = time.perf_counter() - started
        if response.status_code != httpx.codes.OK:
            raise RuntimeError(f"{audio.name}: {response.status_code} {response.text}")
        return Answer(response.json(), seconds)

    def transcribe_speakers(self, audio: Path, *, language: str | None, **fields: str) -> Answer:
        """Requests words, segments and turns with speakers."""
        return self._detailed(audio, language, diarize="true", **fields)

    def transcribe_words(self, audio: Path, *, language: str) -> Answer:
        """Requests words and segments without speakers."""
        return self._detailed(audio, language, diarize="false")

    def transcribe_in_background(self, audio: Path, *, language: str) -> Answer:
        """Like `transcribe_speakers`, but as a background job, polled until it is done."""
        started = time.perf_counter()
        job = self._detailed(audio, language, diarize="true", background="true").body
        url = f"/v1/audio/transcriptions/{job['id']}"
        while (job := self._http.get(url).json())["status"] in ("queued", "in_progress"):
            time.sleep(POLL_SECONDS)
        body = self._http.get(f"{url}/content").raise_for_status().json()
        return Answer(body, time.perf_counter() - started)

    def _detailed(self, audio: Path, language: str | None, **fields: str) -> Answer:
        granularities = {"timestamp_granularities[]": ("word", "segment")}
        return self.transcribe(
            audio, language=language, response_format="verbose_json", **granularities, **fields
        )
