"""Retries of what was cut off for good: they go on from the chunks that were finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client import leave_once, post, settings
from tests.recordings import silence, tone, wav
from tests.serve_fakes import WritingRecogniser, runs
from tests.servers import fake_loaders, running_server

TALK = wav(*(part for n in range(20) for part in (tone(2.0 + n / 10), silence(7.0))))
"""Windows of different lengths, to identify them by, in several chunks of a minute."""


@pytest.mark.parametrize("cut", [{"stream": "true"}, {"response_format": "text"}])
def test_finished_chunks_are_not_run_again(tmp_path: Path, cut: dict[str, str]) -> None:
    """By a server that was restarted meanwhile."""
    chunks = tmp_path / "data" / "results"
    config = settings(
        tmp_path / "work",
        data_dir=tmp_path / "data",
        whisper_batch_size=1,
        chunk_seconds=60,
        abandoned_seconds=0,
    )
    with running_server(config, fake_loaders(lambda: WritingRecogniser(tmp_path, 0.03))) as server:
        leave_once(server, TALK, lambda: any(chunks.glob("*-0")), **cut)
    first = runs(tmp_path)
    with running_server(config, fake_loaders(lambda: WritingRecogniser(tmp_path))) as server:
        answer = post(server, TALK)
        resumed = runs(tmp_path)[len(first) :]
        assert (answer.headers["x-cache"], len(list(chunks.iterdir()))) == ("miss", 1)
        assert post(server, TALK).headers["x-cache"] == "hit"
        undisturbed = post(server, TALK, language="en")
    assert answer.json()["text"] == undisturbed.json()["text"]
    assert not set(first[:4]) & set(resumed), "the overlap alone is heard twice"
