"""What a call on a model must not change, since other models share the process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def nothing_else_changes() -> Iterator[None]:
    before = _surroundings()
    yield
    assert _surroundings() == before


def _surroundings() -> tuple[object, ...]:
    return (
        torch.get_rng_state().tolist(),
        str(np.random.get_state()),
        torch.get_num_threads(),
        logging.getLogger().level,
        logging.getLogger("nemo_logger").level,
        sys.stdout,
        sys.stderr,
    )
