"""The house as drawn: arrows run server → routes → services → utils → leaves, and never back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    "models",
    "options",
    "exceptions",
    "config",
    "utils",
    "services",
    "routes",
    "loaders",
    "assembly",
    "server",
    "cli",
]
LEAVES = {"models", "exceptions", "config"}
HEAVY = {
    "torch",
    "faster_whisper",
    "ctranslate2",
    "onnxruntime",
    "sklearn",
    "senko",
    "nemo",
    "transformers",
    "demucs",
    "safetensors",
}
SOURCES = [
    path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0].removesuffix(".py") in LAYERS
]


def imports(path: Path, everywhere: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_never_run_back(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    ours = imports(path, everywhere=True) & set(LAYERS)
    if layer in LEAVES:
        assert not ours
    assert all(LAYERS.index(used) <= LAYERS.index(layer) for used in ours)
    if LAYERS.index(layer) < LAYERS.index("loaders"):
        assert "config" not in ours, "only the entry points and what they assemble read Settings"
    assert not imports(path, everywhere=False) & HEAVY, "heavy libraries are imported inside loaders"


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}
