"""Named voices in DATA_DIR: kept over a restart, not used with another network, deleted to the last byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loaders import Loaders
from tests.routes.voices import HIGH, LOW, ask, clip, enrol, labels, loaders, settings, transcribe
from tests.servers import running_server


def test_voices_last_but_not_with_another_network(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), loaders()) as server:
        ann = enrol(server, "Ann", clip(HIGH)).json()
    with running_server(settings(tmp_path), loaders()) as server:
        assert ask(server, "GET").json()["data"] == [ann]
        assert labels(server) == ["A", "Ann", "B"]
    with running_server(settings(tmp_path), loaders("another")) as server:
        assert ask(server, "GET").json()["data"] == [ann | {"usable": False}]
        refusal = transcribe(
            server,
            {"model": "whisper-1", "response_format": "diarized_json", "known_speakers": "auto"},
        )
        assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "known_speakers")
        assert "enrol them again" in refusal.json()["error"]["message"]
        assert enrol(server, "Ann", clip(HIGH)).json() == ann | {"usable": True}
        assert labels(server) == ["A", "Ann", "B"]


def test_without_diarization_voices_can_only_be_deleted(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), loaders()) as server:
        ann = enrol(server, "Ann", clip(HIGH)).json()
    bare = Loaders(loaders().recogniser, loaders().detector)
    with running_server(settings(tmp_path, enable_speaker_diarization=False), bare) as server:
        assert enrol(server, "Bob", clip(LOW)).status_code == 501
        fields = {"model": "whisper-1", "response_format": "verbose_json", "known_speakers": "auto"}
        assert transcribe(server, fields).status_code == 501
        assert ask(server, "DELETE", f"/{ann['id']}").status_code == 200


def test_what_is_deleted_is_in_no_file(tmp_path: Path) -> None:
    name = "Wilhelmina Featherstonehaugh"
    with running_server(settings(tmp_path), loaders()) as server:
        kept = enrol(server, "Ann", clip(LOW)).json()
        gone = enrol(server, name, clip(HIGH)).json()
        enrol(server, name, clip(HIGH, 5))
        traces = [name.encode(), gone["id"].encode(), np.asarray(np.eye(8)[3], "<f4").tobytes()]
        assert all(found(tmp_path, trace) for trace in traces)
        ask(server, "DELETE", f"/{gone['id']}")
        assert not any(found(tmp_path, trace) for trace in traces)
        assert ask(server, "GET").json()["data"] == [kept]
    assert not any(found(tmp_path, trace) for trace in traces)


def found(folder: Path, trace: bytes) -> bool:
    return any(trace in path.read_bytes() for path in folder.rglob("*") if path.is_file())
