"""Named voices that last: enrolled, matched, kept apart by owner, forgotten to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openai.types.audio import TranscriptionDiarized

from config import Settings
from loaders import Loaders
from models import seconds
from tests.fakes import LoudnessDetector, ScriptedRecogniser, fake_diarizer
from tests.recordings import conversation, silence, tone, wav
from tests.routes.test_known_speakers import HIGH, LOW, OTHER, TALK, clip_of, voice
from tests.servers import RunningServer, running_server
from utils.model_manager import ModelSource
from utils.speakers.embedding import pack
from utils.store.records import EnrolledVoice
from utils.store.sqlite import voice_rows
from utils.store.sqlite.database import Database

KEYS = ("first-key-of-the-tests", "second-key-of-the-tests")


def loaders(network: str = "pitch") -> Loaders:
    return Loaders(
        ModelSource("whisper-base", ScriptedRecogniser),
        ModelSource("loudness", LoudnessDetector),
        lambda models: fake_diarizer(models, network),
    )


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=folder / "work", data_dir=folder / "kept", **changes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    keys = ",".join(KEYS)
    with running_server(settings(tmp_path_factory.mktemp("speakers"), api_keys=keys), loaders()) as running:
        yield running


def ask(
    server: RunningServer, method: str, path: str = "", key: str = KEYS[0], **more: Any
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.request(method, f"{server.url}/v1/speakers{path}", headers=headers, timeout=60, **more)


def enrol(server: RunningServer, name: str, *clips: bytes, key: str = KEYS[0]) -> httpx.Response:
    files: list[Any] = [("name", (None, name)), *(("file", ("clip.wav", clip)) for clip in clips)]
    return ask(server, "POST", key=key, files=files)


def labels(server: RunningServer, key: str = KEYS[0], **fields: str) -> list[str]:
    sent = {"model": "whisper-1", "response_format": "diarized_json", "known_speakers": "auto"} | fields
    answer = transcribe(server, sent, key)
    assert answer.status_code == 200, answer.text
    return [segment["speaker"] for segment in answer.json()["segments"]]


def transcribe(server: RunningServer, fields: dict[str, str], key: str = KEYS[0]) -> httpx.Response:
    parts: list[Any] = [(name, (None, value)) for name, value in fields.items()]
    return httpx.post(
        f"{server.url}/v1/audio/transcriptions",
        files=[*parts, ("file", ("talk.wav", TALK))],
        headers={"authorization": f"Bearer {key}"},
        timeout=60,
    )


def clip(hertz: float, length: float = 3.0) -> bytes:
    return wav(tone(length, hertz))


@pytest.mark.contract("Speakers", "`/v1/speakers`", "ours: enrol, list, retrieve, delete named voices")
@pytest.mark.contract(
    "Transcription fields", "`known_speakers`", "ours: `auto` looks for the enrolled voices"
)
def test_a_voice_is_enrolled_matched_and_forgotten(server: RunningServer) -> None:
    ann = enrol(server, "Ann", clip(HIGH), clip(HIGH, 20)).json()
    assert (ann["object"], ann["name"], ann["clips"], ann["usable"]) == ("speaker", "Ann", 2, True)
    assert ann["seconds"] == pytest.approx(23, abs=0.5)
    assert ask(server, "GET", f"/{ann['id']}").json() == ann
    assert ask(server, "GET").json()["data"] == [ann]
    assert labels(server) == ["A", "Ann", "B"]
    assert ask(server, "DELETE", f"/{ann['id']}").json() == {
        "id": ann["id"],
        "object": "speaker",
        "deleted": True,
    }
    assert ask(server, "GET").json()["data"] == []
    assert ask(server, "GET", f"/{ann['id']}").status_code == 404
    assert ask(server, "DELETE", f"/{ann['id']}").status_code == 404
    assert labels(server) == ["A", "B", "C"]


def test_clips_of_a_name_that_is_known_are_added(server: RunningServer) -> None:
    first, again = enrol(server, "Bob", clip(LOW)).json(), enrol(server, "Bob", clip(LOW, 6)).json()
    assert (again["id"], again["clips"]) == (first["id"], 2)
    assert again["seconds"] == pytest.approx(9, abs=0.5)
    assert len(ask(server, "GET").json()["data"]) == 1
    ask(server, "DELETE", f"/{first['id']}")


@pytest.mark.contract("Speakers", "keys", "nobody sees or matches the voices of another key")
def test_nobody_sees_or_matches_the_voices_of_another_key(server: RunningServer) -> None:
    ann = enrol(server, "Ann", clip(HIGH)).json()
    assert ask(server, "GET", key=KEYS[1]).json()["data"] == []
    for method in ("GET", "DELETE"):
        assert ask(server, method, f"/{ann['id']}", key=KEYS[1]).status_code == 404
    assert labels(server, key=KEYS[1]) == ["A", "B", "C"]
    mine = enrol(server, "Ann", clip(LOW), key=KEYS[1]).json()
    assert mine["id"] != ann["id"]
    assert labels(server, key=KEYS[1]) == ["Ann", "A", "B"]
    assert labels(server) == ["A", "Ann", "B"]
    ask(server, "DELETE", f"/{ann['id']}")
    ask(server, "DELETE", f"/{mine['id']}", key=KEYS[1])


def test_the_clip_of_a_request_goes_before_the_voice_that_is_kept(server: RunningServer) -> None:
    ann = enrol(server, "Ann", clip(HIGH)).json()
    named = {"known_speaker_names[]": "Ann", "known_speaker_references[]": voice(OTHER)}
    assert labels(server, **named) == ["A", "B", "Ann"]
    ask(server, "DELETE", f"/{ann['id']}")


@pytest.mark.parametrize(
    ("name", "clips", "param", "says"),
    [
        ("", [clip(LOW)], "name", "at least 1 character"),
        ("x" * 65, [clip(LOW)], "name", "at most 64 characters"),
        ("a\nb", [clip(LOW)], "name", "one line"),
        ("Ann", [], "file", "missing"),
        ("Ann", [b"no audio"], "file", "could not be decoded"),
        ("Ann", [b""], "file", "could not be decoded"),
        ("Ann", [clip(LOW, 1)], "file", "shorter than 2 seconds"),
        ("Ann", [clip(LOW), clip(LOW, 61)], "file", "longer than 60 seconds"),
        ("Ann", [wav(silence(5))], "file", "less than a second of speech"),
        ("Ann", [clip(LOW)] * 11, "file", "at most 10 files"),
    ],
)
@pytest.mark.contract("Speakers", "clips that cannot be enrolled", "400")
def test_what_cannot_be_enrolled(
    server: RunningServer, name: str, clips: list[bytes], param: str, says: str
) -> None:
    answer = enrol(server, name, *clips)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert says in answer.json()["error"]["message"]
    assert ask(server, "GET").json()["data"] == []


def test_a_format_that_shows_no_speakers_is_refused(server: RunningServer) -> None:
    for fields in ({"response_format": "json"}, {"response_format": "verbose_json", "diarize": "false"}):
        answer = transcribe(server, {"model": "whisper-1", "known_speakers": "auto"} | fields)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "known_speakers"


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


def test_without_diarization_voices_can_only_be_forgotten(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), loaders()) as server:
        ann = enrol(server, "Ann", clip(HIGH)).json()
    bare = Loaders(loaders().recogniser, loaders().detector)
    with running_server(settings(tmp_path, enable_speaker_diarization=False), bare) as server:
        assert enrol(server, "Bob", clip(LOW)).status_code == 501
        fields = {"model": "whisper-1", "response_format": "verbose_json", "known_speakers": "auto"}
        assert transcribe(server, fields).status_code == 501
        assert ask(server, "DELETE", f"/{ann['id']}").status_code == 200


def test_what_is_forgotten_is_in_no_file(tmp_path: Path) -> None:
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


async def test_one_owner_has_no_more_voices_than_there_may_be(server: RunningServer) -> None:
    def fill(connection: Any) -> None:
        for number in range(1000):
            row = EnrolledVoice(f"spk_{number}", owner, f"n{number}", "pitch", 0, 1, 1, pack([1] * 8))
            voice_rows.put(connection, row)

    ann = enrol(server, "Ann", clip(HIGH)).json()
    (owner,) = {v.owner for v in await every_voice(server)}
    ask(server, "DELETE", f"/{ann['id']}")
    await database_of(server).run(fill)
    assert "is the most" in enrol(server, "Ann", clip(HIGH)).json()["error"]["message"]
    assert enrol(server, "n7", clip(HIGH)).status_code == 200
    await database_of(server).run(lambda connection: connection.execute("DELETE FROM voices"))


def database_of(server: RunningServer) -> Database:
    database = server.state.durable.store.connection
    assert isinstance(database, Database)
    return database


async def every_voice(server: RunningServer) -> list[EnrolledVoice]:
    rows = await database_of(server).run(
        lambda connection: connection.execute("SELECT owner FROM voices").fetchall()
    )
    return [v for row in rows for v in await server.state.speakers.page(row["owner"])]


def test_names_are_not_logged(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ann = enrol(server, "Zebedee", clip(HIGH)).json()
    labels(server)
    ask(server, "DELETE", f"/{ann['id']}")
    assert "Zebedee" not in caplog.text


@pytest.mark.contract("Speakers", "`/v1/speakers`")
def test_real_voices_last(tiny_server: RunningServer) -> None:
    """Two of three voices enrolled from their first turns are found in the second half."""
    talk = conversation("conversation")
    url = f"{tiny_server.url}/v1/speakers"
    ids = []
    for name, turn in (("Robert", 1), ("Alan", 2)):
        files: list[Any] = [
            ("name", (None, name)),
            ("file", ("clip.wav", wav(clip_of(talk, turn)))),
        ]
        ids.append(httpx.post(url, files=files, timeout=60).json()["id"])
    answer = tiny_server.client.audio.transcriptions.create(
        model="whisper-1",
        file=("talk.wav", wav(talk.samples[seconds(talk.turns[6].start - 0.2) :])),
        response_format="diarized_json",
        extra_body={"known_speakers": "auto"},
    )
    assert isinstance(answer, TranscriptionDiarized)
    assert [s.speaker for s in answer.segments][:1] == ["A"]
    assert {s.speaker for s in answer.segments} == {"A", "Robert", "Alan"}
    for voice_id in ids:
        httpx.delete(f"{url}/{voice_id}")
