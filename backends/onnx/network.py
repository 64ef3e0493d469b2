"""Runs a network whose graph is a file without weights, on weights given as arrays."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnxruntime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

Floats = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


class OnnxNetwork:
    """Safe to call from several threads at once."""

    def __init__(self, graph: Path, weights: Mapping[str, Floats], device: str) -> None:
        """`weights` are exactly the initialisers that the graph leaves open, in its shapes."""
        import onnxruntime

        options = session_options()
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(a)) for a in weights.values()]
        options.add_external_initializers(list(weights), values)
        wanted = [CUDA, CPU] if device == "cuda" else [CPU]  # the CPU also for what CUDA lacks
        providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
        if CUDA in providers:
            onnxruntime.preload_dlls()  # from NVIDIA's wheels, where the system does not look
        self._session = onnxruntime.InferenceSession(graph.read_bytes(), options, providers=providers)
        if device == "cuda" and CUDA not in self._session.get_providers():
            logger.warning("This onnxruntime cannot use CUDA, so %s runs on the CPU.", graph.stem)

    def run(self, **inputs: Floats) -> Floats:
        """The one output of the graph."""
        (output,) = self._session.run(None, inputs)
        return np.asarray(output)


def session_options() -> onnxruntime.SessionOptions:
    """One thread, that of the caller, and no memory kept between calls."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the largest blocks of every length of audio
    options.log_severity_level = 4
    return options
