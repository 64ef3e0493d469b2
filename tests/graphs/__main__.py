"""`python -m tests.graphs` writes the graphs that the server ships."""

from __future__ import annotations

from tests.graphs.shipped import GRAPHS

for path, build in GRAPHS.items():
    path.write_bytes(build().SerializeToString(deterministic=True))
