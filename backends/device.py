"""Device selection for models, and the reasons why a GPU that is there cannot be used."""

from __future__ import annotations

import ctypes
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

OLDEST_DRIVER = 525  # of CUDA 12: docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
DRIVER = "libcuda.so.1"
CUBLAS = "libcublas.so.12"  # CTranslate2 loads it when a model first computes, and does not ship it
HIDDEN = ("", "-1", "none", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES


def resolve_device(device: str) -> str:
    """`device`, or for `auto` whichever is available: `cuda` or `cpu`. Logs why a GPU is not used."""
    if device != "auto":
        return device
    import ctranslate2

    return choose_device(ctranslate2.get_cuda_device_count(), nvidia_host(), load_library)


@dataclass(frozen=True, slots=True)
class NvidiaHost:
    """What the kernel shows of NVIDIA GPUs. Containers see the driver even where they are given no device."""

    driver: str = ""  # version of the kernel module; empty without one
    has_device: bool = False
    is_hidden: bool = False  # by CUDA_VISIBLE_DEVICES


def nvidia_host(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> NvidiaHost:
    try:
        described = (root / "proc/driver/nvidia/version").read_text()
    except OSError:
        described = ""
    version = re.search(r"Kernel Module.*?\s(\d+(\.\d+)+)\s", described)
    return NvidiaHost(
        driver=version[1] if version else "",
        has_device=(root / "dev/nvidiactl").exists(),
        is_hidden=environment.get("CUDA_VISIBLE_DEVICES") in HIDDEN,
    )


def load_library(name: str, packages: Sequence[str] = sys.path) -> bool:
    """Whether a library of CUDA can be loaded: from where the system looks, or from NVIDIA's wheel in one
    of the folders of packages. Others in this process then find it by its name alone."""
    for path in (name, *(f"{folder}/nvidia/cublas/lib/{name}" for folder in packages)):
        with suppress(OSError):
            ctypes.CDLL(path)
            return True
    return False


def choose_device(count: int, host: NvidiaHost, load: Callable[[str], bool]) -> str:
    """`cuda` or `cpu`. One warning where there is a GPU that cannot be used, since the CPU is far slower."""
    problem = cuda_problem(count, host, load)
    if problem:
        logger.warning("the NVIDIA GPU is not used: %s; DEVICE=cpu accepts that", problem)
    return "cuda" if count and not problem else "cpu"


def cuda_problem(count: int, host: NvidiaHost, load: Callable[[str], bool]) -> str | None:
    """Why CUDA cannot be used, and what to do, where CTranslate2 counts `count` devices; `load` says whether
    a library can be loaded. None where CUDA works, where there is no NVIDIA GPU, and where it is hidden."""
    if host.is_hidden or not (count or host.driver or host.has_device):
        return None
    driver = f"driver {host.driver}" if host.driver else "a driver of unknown version"
    if count:
        if load(CUBLAS):
            return None
        return f"{CUBLAS} cannot be loaded ({driver}); install requirements-gpu.txt, or use the GPU image"
    if host.driver and int(host.driver.partition(".")[0]) < OLDEST_DRIVER:
        return f"{driver} is too old; CUDA 12 needs {OLDEST_DRIVER} or newer"
    if not host.has_device:
        return f"{driver} is loaded, but no device is visible here; start the container with --gpus all"
    if not load(DRIVER):
        return (
            f"{DRIVER} cannot be loaded ({driver}); install the driver's libraries, or in a container the "
            "NVIDIA Container Toolkit with NVIDIA_DRIVER_CAPABILITIES=compute,utility"
        )
    return f"CTranslate2 finds no usable device ({driver}); see what nvidia-smi reports"
