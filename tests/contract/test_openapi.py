"""Schemathesis against our own OpenAPI document: no 5xx, and no answer that the document does not have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from config import Settings
from tests.contract.peer_programs import PYTHON, needs_peers
from tests.servers import fake_loaders, running_server

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@needs_peers
@pytest.mark.contract(
    "Errors and headers", "OpenAPI document", "Schemathesis finds no 5xx and no other answer"
)
def test_no_answer_is_outside_the_document(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace_dir=tmp_path / "work", data_dir=tmp_path / "data")
    with running_server(settings, fake_loaders()) as server:
        command = [str(PYTHON.with_name("st")), "run", f"{server.url}/openapi.json", "--checks", CHECKS]
        command += ["--max-examples", "20", "--seed", "1", "--generation-database", "none", "--no-color"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,  # it leaves notes of what it found
        )
    assert done.returncode == 0, done.stdout[-6000:]


def test_the_document_is_served(tmp_path: Path) -> None:
    with running_server(Settings(_env_file=None, workspace_dir=tmp_path), fake_loaders()) as server:
        document = httpx.get(f"{server.url}/openapi.json").json()
    assert {"/v1/audio/transcriptions", "/v1/audio/translations", "/v1/files", "/v1/batches"} <= set(
        document["paths"]
    )
