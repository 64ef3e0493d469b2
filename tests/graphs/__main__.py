"""`python -m tests.graphs` writes the graphs that the server ships."""

from __future__ import annotations

from backends.diarization.onnx_network import GRAPHS
from tests.graphs.campplus import campplus
from tests.graphs.segmentation import segmentation

for build in (segmentation, campplus):
    (GRAPHS / f"{build.__name__}.onnx").write_bytes(build().SerializeToString(deterministic=True))
