"""What a start imports: each of these libraries takes a tenth of a second or more, or megabytes of memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODELS = {"ctranslate2", "faster_whisper", "huggingface_hub", "onnxruntime", "tokenizers", "torch"}
PROGRAM = "import sys, importlib; importlib.import_module(sys.argv[1]); print(*sys.modules)"


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("server", MODELS | {"fastapi_swagger", "scipy"}),
        ("utils.process.model_child", MODELS | {"fastapi", "numpy", "psutil", "pydantic"}),
        ("backends.whisper.engine", MODELS | {"fastapi", "psutil", "pydantic", "scipy"}),
        ("utils.decoding.child", MODELS | {"fastapi", "pydantic", "scipy"}),
    ],
)
def test_libraries_are_not_imported_before_they_are_needed(module: str, without: set[str]) -> None:
    command = [sys.executable, "-c", PROGRAM, module]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not without & {name.partition(".")[0] for name in imported}
