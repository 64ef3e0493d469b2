"""docs/deployment.md and the README's part on Docker, compared with the files that they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import Settings
from tests.deployment.dockerfile import ROOT, instructions
from tests.deployment.proxies import FOLDER, NAME
from tests.deployment.test_compose import COMPOSE, parsed

GUIDE = ROOT / "docs/deployment.md"
OTHER_VARIABLES = {"HF_HOME", "VERSION", "REVISION"}


@pytest.mark.parametrize("document", [GUIDE, ROOT / "README.md"], ids=lambda path: path.name)
def test_the_images_and_profiles_that_are_named_exist(document: Path) -> None:
    text = document.read_text()
    stages = {instruction.stage for instruction in instructions()}
    assert set(re.findall(r"docker build --target (\w+)", text)) == {"cpu", "gpu"} <= stages
    profiles = {
        profile for service in parsed(COMPOSE)["services"].values() for profile in service["profiles"]
    }
    assert set(re.findall(r"--profile (\w+)", text)) <= profiles


def test_the_files_that_the_guide_links_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", GUIDE.read_text()) if "://" not in link]
    assert len(links) >= 5
    assert [link for link in links if not (GUIDE.parent / link.partition("#")[0]).is_file()] == []


def test_every_file_for_a_proxy_is_linked_and_has_the_name_that_the_guide_gives() -> None:
    linked = set(re.findall(r"\]\(\.\./ops/proxies/([^)]+)\)", GUIDE.read_text()))
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert linked == files
    assert NAME in GUIDE.read_text()


def test_the_settings_of_the_guide_are_settings() -> None:
    named = {
        re.split("[= ]", code.removeprefix("--build-arg "))[0]
        for code in re.findall(r"`([^`\n]+)`", GUIDE.read_text())
    }
    variables = {name for name in named if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", name)} - {"UID", "GET"}
    assert {"DATA_DIR", "SHUTDOWN_SECONDS", "DEVICE"} <= variables
    assert variables - OTHER_VARIABLES <= {name.upper() for name in Settings.model_fields}
