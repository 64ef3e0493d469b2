"""The folder of the workspaces: taken away under a running server, or impossible from the start."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import httpx

from tests.client import post, settings
from tests.recordings import tone, wav
from tests.servers import fake_loaders, running_server


def test_a_server_whose_folder_was_removed_serves_on(tmp_path: Path) -> None:
    with running_server(settings(tmp_path / "work"), fake_loaders()) as server:
        shutil.rmtree(tmp_path / "work")
        assert post(server, wav(tone(2.0))).json()["text"] == "w w"
        shutil.rmtree(tmp_path / "work")
        assert httpx.get(f"{server.url}/health/ready").status_code == 200


def test_a_server_that_can_have_no_folder_is_not_ready(tmp_path: Path) -> None:
    with running_server(settings(tmp_path / "work"), fake_loaders()) as server:
        shutil.rmtree(tmp_path / "work")
        (tmp_path / "work").touch()
        ready = httpx.get(f"{server.url}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "failed")
        refused = post(server, wav(tone(2.0)))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "workspace_folder_unusable")
        assert str(tmp_path) not in refused.text
        (tmp_path / "work").unlink()
        assert httpx.get(f"{server.url}/health/ready").status_code == 200
        assert post(server, wav(tone(2.0))).status_code == 200


def test_a_folder_below_a_file_is_a_start_that_fails_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = subprocess.run(
        [sys.executable, "server.py"],
        env={
            "WORKSPACE_DIR": str(tmp_path / "file" / "work"),
            "DATA_DIR": str(tmp_path / "data"),
            "PRELOAD": "false",
            "PATH": "",
            "PORT": "0",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "Cannot start: The folder for recordings (WORKSPACE_DIR) cannot be used: Not a directory."
    )
    assert "Traceback" not in run.stderr
