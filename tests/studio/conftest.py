"""These tests run real models of the optional stages, where their packages are installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if all(map(find_spec, ("demucs", "nemo", "transformers"))) else ["test_*.py"]
