from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto

from tests.graphs.shipped import GRAPHS


@pytest.mark.parametrize(("path", "build"), GRAPHS.items(), ids=lambda item: getattr(item, "stem", ""))
def test_the_shipped_graph_is_the_built_one(path: Path, build: Callable[[], ModelProto]) -> None:
    """Otherwise: `python -m tests.graphs`."""
    assert path.read_bytes() == build().SerializeToString(deterministic=True)
