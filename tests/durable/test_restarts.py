"""What was accepted is not validated again: a server with fewer stages still answers for its jobs."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from config import Settings
from exceptions import InvalidRequestError
from loaders import Loaders
from models import SAMPLE_RATE, WindowText
from options import ResponseFormat
from services.requests.accepted import accept_for_any_format, decode_accepted, encode_accepted
from services.requests.stage_defaults import StageDefaults
from tests.durable.batches import answers, line, recording, start
from tests.durable.jobs import FORMATS, PATH, TALK, finished, post
from tests.fakes import MemorisedLabeller, ScriptedCtc, ScriptedRecogniser
from tests.servers import fake_loaders, running_server, wait_until
from utils.model_manager import ModelSource
from utils.words.ctc_viterbi import TokenSpan


def settings_in(folder: Path, **changes: Any) -> Settings:
    return Settings(
        _env_file=None, workspace_dir=folder / "work", data_dir=folder / "data", jobs_at_once=1, **changes
    )


def every_stage(recogniser: ScriptedRecogniser) -> Loaders:
    def place(_: object, tokens: Any) -> tuple[TokenSpan, ...]:
        return tuple(TokenSpan(SAMPLE_RATE // 10, SAMPLE_RATE // 5, 0.9) for _ in tokens)

    return replace(
        fake_loaders(lambda: recogniser),
        aligner=ModelSource("scripted", lambda: ScriptedCtc(place)),
        punctuator=ModelSource("memorised", lambda: MemorisedLabeller({"w": "."})),
    )


def fewer_stages() -> Loaders:
    """No optional stage any more, and another model."""
    loaders = fake_loaders()
    return replace(loaders, recogniser=replace(loaders.recogniser, name="whisper-small"), diarizer=None)


FEWER = {"enable_speaker_diarization": False}
DEFAULTS = StageDefaults(diarize=True, separate_vocals=False, align=False, restore_punctuation=False)


class HeldRecogniser(ScriptedRecogniser):
    """Its third batch waits for the gate to open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        if len(self.batches) > 2:
            self.gate.wait(30)
        return texts


def contents(url: str, job_id: str) -> dict[str, str]:
    answers = {
        wanted: httpx.get(f"{url}{PATH}/{job_id}/content", params={"response_format": wanted})
        for wanted in FORMATS
    }
    assert {answer.status_code for answer in answers.values()} == {200}
    return {wanted: answer.text for wanted, answer in answers.items()}


def test_a_finished_job_is_served_after_a_restart_with_stages_off_and_another_model(tmp_path: Path) -> None:
    with running_server(settings_in(tmp_path), every_stage(ScriptedRecogniser())) as server:
        fields = {"model": "whisper-base", "align": "true", "restore_punctuation": "true"}
        job_id = post(server.url, TALK, background="true", **fields).json()["id"]
        before = finished(server.url, job_id)
        assert before["status"] == "completed", before
        contents_before = contents(server.url, job_id)
    with running_server(settings_in(tmp_path, **FEWER), fewer_stages()) as server:
        assert finished(server.url, job_id)["result"] == before["result"]
        assert contents(server.url, job_id) == contents_before


def test_a_batch_is_finalised_after_a_restart_with_a_stage_off_and_another_model(tmp_path: Path) -> None:
    recogniser = HeldRecogniser()
    with running_server(settings_in(tmp_path), every_stage(recogniser)) as server:
        client = server.client
        talk = recording(client, 3.0)
        asked = {"model": "whisper-base", "align": True, "response_format": "verbose_json"}
        batch = start(client, line("done", talk, **asked))
        wait_until(lambda: client.batches.retrieve(batch.id).status == "completed")
        alone = answers(client, client.batches.retrieve(batch.id).output_file_id)["done"]["response"]["body"]
        batch = start(client, line("done", talk, **asked), line("late", talk, **asked))
        wait_until(lambda: len(recogniser.batches) == 3)
        threading.Timer(0.5, recogniser.gate.set).start()
    with running_server(settings_in(tmp_path, **FEWER), fewer_stages()) as server:
        client = server.client
        wait_until(lambda: client.batches.retrieve(batch.id).status == "completed")
        batch = client.batches.retrieve(batch.id)
        assert answers(client, batch.output_file_id)["done"]["response"]["body"] == alone
        late = answers(client, batch.error_file_id)["late"]["response"]
        assert late["status_code"] in (404, 501), "what is not done needs what is no longer there"


def test_a_finished_job_of_version_0_1_needs_no_stage_to_be_served(tmp_path: Path) -> None:
    with running_server(settings_in(tmp_path), every_stage(ScriptedRecogniser())) as server:
        job_id = post(server.url, TALK, background="true", align="true").json()["id"]
        before = finished(server.url, job_id)
    fields = json.dumps([["model", "whisper-1"], ["align", "true"]])
    with closing(sqlite3.connect(tmp_path / "data" / "server.db")) as database, database:
        database.execute("UPDATE jobs SET request = ?", (fields,))
    with running_server(settings_in(tmp_path, **FEWER), fewer_stages()) as server:
        assert finished(server.url, job_id) == before


@pytest.mark.parametrize("sent", [{}, {"temperature": "9"}])
def test_jobs_of_version_0_1_keep_the_fields_of_their_forms(tmp_path: Path, sent: dict[str, str]) -> None:
    with running_server(settings_in(tmp_path), fake_loaders()) as server:
        job_id = post(server.url, TALK, background="true").json()["id"]
        before = finished(server.url, job_id)
    fields = json.dumps(list(({"model": "whisper-1"} | sent).items()))
    with closing(sqlite3.connect(tmp_path / "data" / "server.db")) as database, database:
        database.execute("UPDATE jobs SET request = ?", (fields,))
    with running_server(settings_in(tmp_path), fake_loaders()) as server:
        after = finished(server.url, job_id)
    if sent:
        assert (after["status"], after["error"]["param"]) == ("failed", "temperature")
    else:
        assert after == before


@pytest.mark.parametrize("diarize", ["", "true", "false"])
@pytest.mark.parametrize("newer", [known for known in ResponseFormat if known is not ResponseFormat.TEXT])
def test_a_format_that_came_with_an_upgrade_is_as_if_it_had_been_there(
    newer: ResponseFormat, diarize: str
) -> None:
    fields = [("model", "whisper-1"), ("response_format", "text"), ("diarize", diarize)]
    accepted = accept_for_any_format(fields, DEFAULTS)
    older = replace(accepted, answers=tuple(form for form in accepted.answers if form.format is not newer))
    older = decode_accepted(encode_accepted(older))
    if newer is ResponseFormat.DIARIZED_JSON and diarize == "false":
        with pytest.raises(InvalidRequestError, match="diarize=true"):
            older.answer_in(newer)
    else:
        assert older.answer_in(newer) == accepted.answer_in(newer)
