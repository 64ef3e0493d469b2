"""Restores NeMo models from a `.nemo` file for inference, without NeMo's log output."""

from __future__ import annotations

import tarfile
from typing import Any

from backends.hub import nemo_file
from exceptions import ModelUnavailableError


def restore(kind: str, model: str, device: str) -> Any:
    """The class `kind` of NeMo's ASR models from a path or hub id, without dither, on `device`.

    A `.nemo` file names the classes to build: load only trusted files. Raises ModelUnavailableError.
    """
    path = nemo_file(model)
    from nemo.utils import logging

    logging.set_verbosity(logging.ERROR)
    from nemo.collections.asr import models

    try:
        network = getattr(models, kind).restore_from(str(path), map_location=device)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, tarfile.TarError) as error:
        raise ModelUnavailableError(
            f"{path.name} is not a {kind} that NeMo 3.0.0 can load: {error}"
        ) from error
    featurizer = network.preprocessor.featurizer
    featurizer.dither, featurizer.pad_to = 0.0, 0
    return network.eval().to(device)
