"""The graphs that the server ships, and what builds each."""

from __future__ import annotations

from backends.diarization import campplus, segmenter
from tests.graphs.campplus import campplus as build_campplus
from tests.graphs.segmentation import segmentation as build_segmentation

GRAPHS = {campplus.GRAPH: build_campplus, segmenter.GRAPH: build_segmentation}
