"""Which folder may import which, where heavy libraries are, how long modules are."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each folder may import, of ours, besides the leaves. A module at the top counts as a folder.
UTILS: dict[str, set[str]] = {
    "utils/numeric": set(),
    "utils/speech": set(),
    "utils/words": set(),
    "utils/process": set(),
    "utils/waiting": set(),
    "utils/answers": {"utils/speakers", "utils/words"},
    "utils/speakers": {"utils/numeric", "utils/speech", "utils/words"},
    "utils": {"utils/answers", "utils/process", "utils/speakers", "utils/waiting", "utils/words"},
    "utils/audio": {"utils"},
    "utils/decoding": {"utils", "utils/process", "utils/waiting", "utils/words"},
    "utils/transcript": {"utils", "utils/answers", "utils/speakers", "utils/words"},
    "utils/live": {
        "utils",
        "utils/answers",
        "utils/audio",
        "utils/numeric",
        "utils/speakers",
        "utils/speech",
        "utils/transcript",
        "utils/words",
    },
    "utils/store": {"utils/speakers", "utils/transcript", "utils"},
    "utils/store/sqlite": {"utils/store", "utils/speakers", "utils/transcript", "utils/waiting", "utils"},
}
NETWORKS = {"seams", *UTILS} - {"utils/store/sqlite"}  # only assembly knows which database there is
STAGES = {"services", "services/whisper", *NETWORKS}
ALLOWED: dict[str, set[str]] = UTILS | {
    "models": set(),
    "exceptions": set(),
    "config": set(),
    "options": {"models"},
    "seams": {*UTILS},
    "backends": {"backends/onnx"} | NETWORKS,
    "backends/diarization": {"backends", "backends/onnx"} | NETWORKS,
    "backends/onnx": set(),
    "backends/whisper": {"backends"} | NETWORKS,
    "services": {"services/whisper"} | NETWORKS,
    "services/whisper": NETWORKS,
    "services/diarizers": STAGES,
    "services/voices": STAGES,
    "services/live": STAGES,
    "services/requests": {"services/voices"} | STAGES,
    "services/durable": {"services/requests", "services/voices"} | STAGES,
    "routes/http": {*UTILS},
    "routes": {"routes/http", "services/durable", "services/live", "services/requests", "services/voices"}
    | STAGES,
    "routes/realtime": {"routes", "routes/http", "services/live", "services/requests", "services/voices"}
    | STAGES,
    "loaders": {"backends", "backends/diarization", "backends/whisper", "services/diarizers", "config"}
    | STAGES,
    "assembly": {"routes", "loaders", "services/durable", "services/live", "services/requests", "config"}
    | {"services/voices", "utils/store/sqlite"}
    | STAGES,
    "serving": {"routes", "routes/http", "routes/realtime", "config", *UTILS},
    "server": {"assembly", "routes", "routes/http", "routes/realtime", "loaders", "serving", "config"}
    | {*UTILS},
    "cli": {"assembly", "cli/live", "loaders", "config", *UTILS},
    "cli/live": {*UTILS},
    "transcription_server": {"server", "cli", "config"},
}
MAX_MODULES = 14  # in a folder
MAX_LINES = 250  # in a module
LEAVES = {"models", "options", "exceptions"}
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
    "huggingface_hub",
}


def folder_of(path: Path) -> str:
    own = path.relative_to(ROOT)
    return str(own.parent) if len(own.parts) > 1 else own.stem


SOURCES = [path for path in ROOT.rglob("*.py") if folder_of(path) in ALLOWED]
EVERYTHING = SOURCES + [
    path
    for folder in ("tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
]


def imports(path: Path, everywhere: bool = True) -> set[str]:
    """Dotted names of the modules that a module imports, at its top or everywhere."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{name.name}" for name in node.names)
            found |= {name if source(name).is_file() else str(node.module) for name in names}
    return found


def named(path: Path) -> set[str]:
    """`module.Name` of every attribute and of every name imported from a module."""
    tree = ast.parse(path.read_text())
    found = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def source(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def ours(path: Path) -> set[str]:
    """The folders that a module imports from."""
    return {folder_of(source(name)) for name in imports(path) if source(name).is_file()}


def heavy(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    folder = folder_of(path)
    allowed = ALLOWED[folder] if folder in LEAVES else ALLOWED[folder] | LEAVES
    assert ours(path) - {folder} <= allowed
    if not folder.startswith("backends"):
        assert not heavy(imports(path)), "heavy libraries belong to backends/"
    assert not heavy(imports(path, everywhere=False)), "heavy libraries are imported when a model is loaded"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_stays_in_the_store(path: Path) -> None:
    if folder_of(path) != "utils/store/sqlite":
        assert "sqlite3.Connection" not in named(path)


def test_there_is_no_import_cycle() -> None:
    """Neither between folders nor between modules."""
    TopologicalSorter(ALLOWED).prepare()
    imported = {
        path: {source(name) for name in imports(path) if source(name).is_file()} - {path} for path in SOURCES
    }
    TopologicalSorter(imported).prepare()


def test_every_source_is_in_a_known_folder() -> None:
    outside = {"tests", "benchmarks", "weights", ".openai-newest"}
    outside |= {".venv", ".venv-studio", ".venv-gpu", ".venv-peers", ".venv-peers-live"}
    found = {path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in outside}
    assert found == set(SOURCES)


def test_no_folder_holds_too_many_modules() -> None:
    counts = Counter(path.parent for path in EVERYTHING if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MAX_MODULES} == {}


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in EVERYTHING}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}
