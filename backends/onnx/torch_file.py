"""Reads the tensors of a file that `torch.save` wrote, without torch and without running what is in it."""

from __future__ import annotations

import zipfile
from functools import reduce
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.onnx.torch_pickle import Name, UnreadableWeightsError, build

MAX_PROGRAM = 1 << 20  # bytes of the pickle
STORAGES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}

Tensor = npt.NDArray[Any]


def read_tensors(path: Path) -> Any:
    """What the file holds, usually a dictionary; its tensors are read-only arrays.

    The file is a ZIP of a pickle and one member for each storage. Raises UnreadableWeightsError, also for a
    file that holds more than tensors, text and numbers. Memory is bounded by the size of the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _TensorFile(archive, path.stat().st_size).read()
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise UnreadableWeightsError(f"{path.name} is no ZIP of tensors: {error}") from error


class _TensorFile:
    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members):
            raise UnreadableWeightsError("torch stores tensors neither compressed nor encrypted")
        if sum(member.file_size for member in members) > size:
            raise UnreadableWeightsError("the members of the ZIP overlap")
        self._archive = archive
        self._root = members[0].filename.split("/")[0] if members else ""
        self._storages: dict[str, bytes] = {}

    def read(self) -> Any:
        program = self._archive.getinfo(f"{self._root}/data.pkl")
        if program.file_size > MAX_PROGRAM:
            raise UnreadableWeightsError("the pickle is too long")
        return build(self._archive.read(program), self._storage, _tensor)

    def _storage(self, tag: object, kind: object, key: object, _place: object, length: object) -> Tensor:
        """The numbers of a storage, all of which must be there."""
        dtype = STORAGES.get(kind.text) if isinstance(kind, Name) else None
        if tag != "storage" or dtype is None or not isinstance(key, str):
            raise UnreadableWeightsError("an unknown kind of storage")
        if key not in self._storages:
            self._storages[key] = self._archive.read(f"{self._root}/data/{key}")
        data = self._storages[key]
        if not isinstance(length, int) or len(data) != length * dtype.itemsize:
            raise UnreadableWeightsError(f"storage {key} has not the length it claims")
        return np.frombuffer(data, dtype)


def _tensor(
    storage: object, offset: object, shape: object, strides: object, _grad: object, _hooks: object
) -> Tensor:
    """torch's `_rebuild_tensor_v2`: a view of a storage; `offset` and `strides` count numbers."""
    if not (isinstance(storage, np.ndarray) and storage.ndim == 1):
        raise UnreadableWeightsError("a tensor without a storage")
    (start,), sizes, steps = _counts((offset,)), _counts(shape), _counts(strides)
    if len(sizes) != len(steps):
        raise UnreadableWeightsError("a tensor whose shape and strides disagree")
    last = start + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    number = reduce(mul, sizes, 1)
    if number > len(storage) or (number and last >= len(storage)):
        raise UnreadableWeightsError("a tensor larger than its storage")
    in_bytes = [step * storage.itemsize for step in steps]
    return np.lib.stride_tricks.as_strided(storage[start:], sizes, in_bytes, writeable=False)


def _counts(values: object) -> tuple[int, ...]:
    """`values` if they are integers from zero."""
    if isinstance(values, tuple) and all(type(value) is int and value >= 0 for value in values):
        return values
    raise UnreadableWeightsError("sizes that are not whole numbers from zero")
