"""What `auto` takes, and where weights are looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backends.diarization.choice import choose_diarizer
from backends.hub import has_weights, nemo_file
from exceptions import ModelUnavailableError


@pytest.mark.parametrize("asked", ["embedded", "nemo", "senko"])
def test_what_was_asked_for_is_taken(asked: str) -> None:
    assert choose_diarizer(asked, "cpu", ["no/such-model"]) == asked


def test_auto_needs_a_gpu_and_the_weights(tmp_path: Path) -> None:
    weights = tmp_path / "voices.nemo"
    weights.touch()
    assert choose_diarizer("auto", "cpu", [str(weights)]) == "embedded"
    assert choose_diarizer("auto", "cuda", [str(weights), str(tmp_path / "none.nemo")]) == "embedded"


def test_a_path_has_weights_when_it_exists(tmp_path: Path) -> None:
    weights = tmp_path / "seats.nemo"
    assert not has_weights(str(weights))
    weights.touch()
    assert has_weights(str(weights))
    assert has_weights(str(tmp_path))
    assert nemo_file(str(weights)) == weights


@pytest.mark.parametrize("file", ["seats-v2.nemo", "model.safetensors"])
def test_a_hub_id_has_weights_when_they_are_in_the_cache(tmp_path: Path, file: str) -> None:
    repo = tmp_path / "hub" / "models--nobody--seats-v2"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("abc")
    (repo / "snapshots" / "abc").mkdir(parents=True)
    code = "from backends.hub import has_weights; print(has_weights('nobody/seats-v2'))"

    def looked_up() -> str:
        command = [sys.executable, "-c", code]
        environment = {"HF_HOME": str(tmp_path)}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert looked_up() == "False"
    (repo / "snapshots" / "abc" / file).touch()
    assert looked_up() == "True"


@pytest.mark.parametrize("model", ["./none.nemo", "/no/such/file.nemo", "none.nemo"])
def test_a_missing_file_is_named(model: str) -> None:
    with pytest.raises(ModelUnavailableError, match=Path(model).name):
        nemo_file(model)


def test_a_hub_that_cannot_be_reached_is_reported(tmp_path: Path) -> None:
    code = (
        "from exceptions import ModelUnavailableError\nfrom backends.hub import nemo_file\n"
        "try:\n    nemo_file('nobody/seats-v2')\nexcept ModelUnavailableError as error:\n    print(error)"
    )
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "seats-v2.nemo of nobody/seats-v2" in run.stdout


@pytest.mark.parametrize("model", ["not a hub id", "a/b/c"])
def test_what_cannot_be_an_id_has_no_weights(model: str) -> None:
    assert not has_weights(model)
