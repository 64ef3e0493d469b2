"""Device selection for models."""

from __future__ import annotations


def resolve_device(device: str) -> str:
    """`device`, or for `auto` whichever is available: `cuda` or `cpu`."""
    if device != "auto":
        return device
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
