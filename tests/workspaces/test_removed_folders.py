"""The folder of the workspaces: taken away under a running server, or impossible from the start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

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


@pytest.mark.parametrize("setting", ["WORKSPACE_DIR", "DATA_DIR"])
def test_a_folder_below_a_file_is_a_start_that_fails_in_one_line(setting: str, tmp_path: Path) -> None:
    """It names the folder and the user, as most often a mounted folder belongs to another one."""
    (tmp_path / "file").touch()
    folders = {"WORKSPACE_DIR": str(tmp_path / "work"), "DATA_DIR": str(tmp_path / "data")}
    folders[setting] = str(tmp_path / "file" / "below")
    run = subprocess.run(
        [sys.executable, "server.py"],
        env=folders | {"PRELOAD": "false", "PATH": "", "PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("Cannot start: ")
    assert "Not a directory" in last
    assert [part for part in (setting, folders[setting], f"user {os.geteuid()}") if part not in last] == []
    assert "Traceback" not in run.stderr
