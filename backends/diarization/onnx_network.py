"""Networks whose graphs ship with the server (`graphs/`) and whose weights are given as arrays."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

GRAPHS = Path(__file__).parent / "graphs"
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

Floats = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


class OnnxNetwork:
    """Safe to call from several threads at once."""

    def __init__(self, graph: str, weights: Mapping[str, Floats], device: str) -> None:
        """`weights` are exactly the initialisers that the graph leaves open, in its shapes."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # it would keep the largest blocks of every length of audio
        options.log_severity_level = 4
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(a)) for a in weights.values()]
        options.add_external_initializers(list(weights), values)
        self._session = onnxruntime.InferenceSession(
            (GRAPHS / f"{graph}.onnx").read_bytes(), options, providers=_providers(device)
        )

    def run(self, **inputs: Floats) -> Floats:
        """The one output of the graph."""
        (output,) = self._session.run(None, inputs)
        return np.asarray(output)


def _providers(device: str) -> list[Any]:
    """The CPU, after CUDA on `cuda` where this build of onnxruntime has it: for what CUDA lacks."""
    import onnxruntime

    if device != "cuda":
        return [CPU]
    if CUDA not in onnxruntime.get_available_providers():
        logger.warning("This onnxruntime cannot use CUDA: the speaker networks run on the CPU.")
        return [CPU]
    return [CUDA, CPU]
