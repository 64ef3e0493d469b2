"""Named voices: enrolled, matched, private to a key, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai.types.audio import TranscriptionDiarized

from models import seconds
from tests.recordings import conversation, silence, wav
from tests.routes.voices import (
    HIGH,
    KEYS,
    LOW,
    OTHER,
    ask,
    clip,
    clip_of,
    enrol,
    labels,
    loaders,
    settings,
    transcribe,
    voice,
)
from tests.servers import RunningServer, running_server
from utils.speakers.embedding import pack
from utils.store.records import EnrolledVoice
from utils.store.sqlite import voice_rows
from utils.store.sqlite.database import Database


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    keys = ",".join(KEYS)
    with running_server(settings(tmp_path_factory.mktemp("speakers"), api_keys=keys), loaders()) as running:
        yield running


@pytest.mark.contract("Speakers", "`/v1/speakers`", "ours: enrol, list, retrieve, delete named voices")
@pytest.mark.contract(
    "Transcription fields", "`known_speakers`", "ours: `auto` looks for the enrolled voices"
)
def test_a_voice_is_enrolled_matched_and_deleted(server: RunningServer) -> None:
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


async def test_one_owner_has_no_more_voices_than_there_may_be(server: RunningServer) -> None:
    def fill(connection: Any) -> None:
        for number in range(1000):
            row = EnrolledVoice(f"spk_{number}", owner, f"n{number}", "pitch", 0, 1, 1, pack([1] * 16))
            voice_rows.put(connection, row)

    ann = enrol(server, "Ann", clip(HIGH)).json()
    (owner,) = {v.owner for v in await every_voice(server)}
    ask(server, "DELETE", f"/{ann['id']}")
    await database_of(server).run(fill)
    assert "the maximum" in enrol(server, "Ann", clip(HIGH)).json()["error"]["message"]
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
