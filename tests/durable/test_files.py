"""Files through the official client: kept, paged, private to a key, bounded, deleted."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from config import MEBIBYTE, Settings
from services.durable.file_service import FileService
from tests.servers import RunningServer, fake_loaders, running_server
from utils.store.records import FileLimits
from utils.store.sqlite.database import Database
from utils.store.sqlite.files import SqliteFiles

BODY = b'{"custom_id": "a"}\n'
KEYS = ("first-key-of-the-tests", "second-key-of-the-tests")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Settings]:
    def settings(**changes: Any) -> Settings:
        return Settings(
            _env_file=None, workspace_dir=tmp_path / "work", data_dir=tmp_path / "kept", **changes
        )

    return settings


@pytest.mark.contract(
    "Files and batches",
    "`files.create`, `retrieve`, `content`, `delete`",
    "until deleted, or as long as `expires_after` says",
)
def test_a_file_comes_back_as_it_was_sent_until_it_is_deleted(server: RunningServer) -> None:
    files = server.client.files
    file = files.create(file=("lines.jsonl", BODY), purpose="batch")
    assert (file.filename, file.bytes, file.purpose) == ("lines.jsonl", len(BODY), "batch")
    assert file.expires_at == file.created_at + 30 * 24 * 3600
    assert files.retrieve(file.id) == file
    content = files.content(file.id)
    assert content.read() == BODY
    assert content.response.headers["content-disposition"].startswith("attachment")
    assert files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        files.retrieve(file.id)
    assert not server.state.durable.files.path(file.id).exists()


@pytest.mark.contract("Files and batches", "`files.create`, `retrieve`, `content`, `delete`")
def test_a_recording_is_kept_until_it_is_deleted_or_as_long_as_asked(server: RunningServer) -> None:
    files = server.client.files
    assert files.create(file=("a.wav", b"x"), purpose="user_data").expires_at is None
    lasting = files.create(
        file=("a.wav", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert lasting.expires_at == lasting.created_at + 3600


@pytest.mark.contract("Files and batches", "`files.list`", "in pages, by purpose, in either order")
def test_pages_hold_every_file_once_in_either_order(server: RunningServer) -> None:
    files = server.client.files
    made = [files.create(file=("e.txt", b"x"), purpose="evals").id for _ in range(5)]
    newest_first = [file.id for file in files.list(purpose="evals", limit=2)]
    assert newest_first == made[::-1]
    assert [file.id for file in files.list(purpose="evals", limit=2, order="asc")] == made


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "dance"}, "purpose"),
        ({"purpose": "batch", "expires_after[seconds]": "3600"}, "expires_after.anchor"),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "9"},
            "expires_after.seconds",
        ),
        ({"purpose": "batch", "expires_after": "soon", "expires_after[": "x"}, "expires_after.anchor"),
    ],
)
@pytest.mark.contract("Files and batches", "wrong fields", "400 that names it")
def test_a_wrong_field_is_named(server: RunningServer, fields: dict[str, str], param: str) -> None:
    answer = httpx.post(f"{server.url}/v1/files", data=fields, files={"file": ("a", b"x")})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("query", ["limit=0", "order=up", "after=file-none"])
@pytest.mark.contract("Errors and headers", "400, a wrong value")
def test_a_wrong_page_is_refused_in_the_envelope(server: RunningServer, query: str) -> None:
    answer = httpx.get(f"{server.url}/v1/files?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])


def test_a_clients_name_for_a_file_is_shown_and_used_for_nothing(server: RunningServer) -> None:
    file = server.client.files.create(file=("../../etc/pass\x07wd", BODY), purpose="batch")
    assert server.state.durable.files.path(file.id).name == file.id
    assert "\x07" not in file.filename
    for wanted in ("../server.db", "..%2Fserver.db", "file-none"):
        assert httpx.get(f"{server.url}/v1/files/{wanted}/content").status_code == 404


@pytest.mark.contract("Files and batches", "keys", "a 404 for the files and batches of another key")
def test_the_files_of_one_key_are_not_found_with_another(make: Callable[..., Settings]) -> None:
    with running_server(make(api_keys=",".join(KEYS)), fake_loaders()) as server:
        mine, other = (server.client.with_options(api_key=key).files for key in KEYS)
        file = mine.create(file=("a", BODY), purpose="batch")
        assert [found.id for found in mine.list()] == [file.id]
        assert list(other.list()) == []
        for refused in (other.retrieve, other.content, other.delete):
            with pytest.raises(openai.NotFoundError):
                refused(file.id)
        assert mine.content(file.id).read() == BODY


@pytest.mark.contract("Errors and headers", "507 `insufficient_storage`")
def test_the_store_has_a_size_limit(make: Callable[..., Settings]) -> None:
    with running_server(make(files_max_gb=1.5 / 1024), fake_loaders()) as server:
        files = server.client.files
        first = files.create(file=("a", io.BytesIO(bytes(MEBIBYTE))), purpose="batch")
        with pytest.raises(openai.InternalServerError) as refusal:
            files.create(file=("b", io.BytesIO(bytes(MEBIBYTE))), purpose="batch")
        assert refusal.value.status_code == 507
        assert [path.name for path in server.state.durable.files.path("").iterdir()] == [first.id]


def test_files_outlive_the_server_and_leftovers_do_not(make: Callable[..., Settings]) -> None:
    with running_server(make(), fake_loaders()) as server:
        file = server.client.files.create(file=("a", BODY), purpose="user_data")
        leftover = server.state.durable.files.path("file-of-a-server-that-died")
        leftover.touch()
    with running_server(make(), fake_loaders()) as server:
        assert server.client.files.content(file.id).read() == BODY
        assert not leftover.exists()


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(server: RunningServer) -> None:
    files, body = server.client.files, bytes(8 * MEBIBYTE)
    file = files.create(file=("a", body), purpose="user_data")
    with httpx.stream("GET", f"{server.url}/v1/files/{file.id}/content") as answer:
        parts = answer.iter_raw(4096)
        first = next(parts)
        files.delete(file.id)
        assert first + b"".join(parts) == body


def test_a_part_of_a_file_can_be_read(server: RunningServer) -> None:
    file = server.client.files.create(file=("a", BODY), purpose="user_data")
    address = f"{server.url}/v1/files/{file.id}/content"
    answer = httpx.get(address, headers={"range": "bytes=2-5"})
    assert (answer.status_code, answer.content) == (206, BODY[2:6])


def test_a_file_without_its_body_is_gone_and_can_be_deleted(server: RunningServer) -> None:
    """As after a crash in the middle of a delete."""
    files = server.client.files
    file = files.create(file=("a", BODY), purpose="user_data")
    server.state.durable.files.path(file.id).unlink()
    assert httpx.get(f"{server.url}/v1/files/{file.id}/content").status_code == 404
    assert files.delete(file.id).deleted


def test_foreign_folders_in_the_data_folder_are_left_alone(make: Callable[..., Settings]) -> None:
    foreign = [make().data_folder / name / "lost+found" for name in ("files", "jobs")]
    for folder in foreign:
        folder.mkdir(parents=True)
    with running_server(make(), fake_loaders()) as server:
        assert httpx.get(f"{server.url}/health").status_code == 200
    assert all(folder.is_dir() for folder in foreign)


async def test_what_has_expired_is_removed(tmp_path: Path) -> None:
    now = time.time()
    database = Database(tmp_path / "server.db")
    files = FileService(SqliteFiles(database), tmp_path / "files", FileLimits(100, 10), clock=lambda: now)
    try:
        await database.open()
        await files.open()
        body = tmp_path / "body"
        body.write_bytes(BODY)
        file = await files.create("", body, "a", "batch", lifetime=3600)
        await files.sweep()
        assert files.path(file.id).exists()
        body.write_bytes(BODY)
        stuck = await files.create("", body, "b", "batch", lifetime=3599)
        files.path(stuck.id).unlink()
        files.path(stuck.id).mkdir()
        now += 3600
        await files.sweep()
        assert not files.path(file.id).exists()
        left = await files.page("", None, None, True, 10)
        assert [kept.id for kept in left] == [stuck.id], "what cannot be deleted stops nothing else"
    finally:
        await database.close()
