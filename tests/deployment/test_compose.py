"""compose.yaml against the Compose specification, the Dockerfile and the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compose_spec import PyOptions, parse_duration

from config import Settings
from tests.deployment.dockerfile import ROOT, instructions

COMPOSE = (ROOT / "compose.yaml").read_text()
MARGIN_SECONDS = 5
TARGETS = ("cpu", "gpu")


def parsed(text: str) -> dict[str, Any]:
    """Raises ValueError for what the specification does not allow."""
    compose = PyOptions(apply_merge=True).from_yaml(text)
    compose.validate()
    found: dict[str, Any] = compose.to_dict()
    return found


@pytest.fixture(params=TARGETS)
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return parsed(COMPOSE)["services"][request.param]  # type: ignore[no-any-return]


@pytest.mark.parametrize("line", ["restart: sometimes", "stop_grace_perod: 60s", "restart: always\n  tty: 2"])
def test_the_parser_refuses_what_the_specification_does_not_allow(line: str) -> None:
    wrong = COMPOSE.replace("restart: unless-stopped", line)
    assert wrong != COMPOSE
    with pytest.raises(ValueError, match=r"\w"):
        parsed(wrong)


def test_each_profile_builds_its_target() -> None:
    services = parsed(COMPOSE)["services"]
    targets = {name: (service["profiles"], service["build"]["target"]) for name, service in services.items()}
    assert targets == {name: ([name], name) for name in TARGETS}
    assert {*TARGETS} <= {instruction.stage for instruction in instructions()}


def test_only_the_gpu_service_asks_for_a_gpu() -> None:
    cpu, gpu = (parsed(COMPOSE)["services"][name] for name in TARGETS)
    assert "deploy" not in cpu
    assert gpu["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    ]


def test_its_environment_is_accepted_and_its_grace_is_longer_than_the_shutdown(
    service: dict[str, Any], tmp_path: Path
) -> None:
    keys = tmp_path / "api_keys"
    keys.write_text("secret\n")
    values = {name.lower(): value for name, value in service["environment"].items()}
    assert values["api_keys_file"] == f"/run/secrets/{service['secrets'][0]}"
    settings = Settings(_env_file=None, **(values | {"api_keys_file": keys}))
    assert parse_duration(service["stop_grace_period"]) >= settings.shutdown_seconds + MARGIN_SECONDS


def test_what_it_names_is_there(service: dict[str, Any]) -> None:
    compose = parsed(COMPOSE)
    (volume,) = service["volumes"]
    name, _, path = volume.partition(":")
    assert name in compose["volumes"]
    assert path in [i.rest for i in instructions() if i.word == "VOLUME"]
    assert service["secrets"] == list(compose["secrets"])
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
    assert "healthcheck" not in service, "the image has one"
