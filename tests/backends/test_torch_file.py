from __future__ import annotations

import io
import pickle
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.onnx.torch_file import MAX_PROGRAM, read_tensors
from backends.onnx.torch_pickle import UnreadableWeightsError, build
from tests.builders import thorough


class Storage:
    """Pickled as torch pickles a storage."""

    def __init__(self, key: str, length: Any, kind: str = "FloatStorage") -> None:
        self.identifier = ("storage", Global("torch", kind), key, "cpu", length)


class Global:
    """Pickled as a name."""

    def __init__(self, module: str, name: str) -> None:
        self.line = f"c{module}\n{name}\n".encode()


class Call:
    """Pickled as a call of a name."""

    def __init__(self, function: Global, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


def tensor(storage: Storage, offset: int, shape: Any, strides: Any) -> Call:
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, Call(Global("collections", "OrderedDict")))


def program(value: Any) -> bytes:
    """A pickle of protocol 2, as torch writes it."""
    return b"\x80\x02" + _encoded(value) + b"."


def _encoded(value: Any) -> bytes:
    match value:
        case Global():
            return value.line
        case Call():
            return _encoded(value.function) + _encoded(tuple(value.arguments)) + b"R"
        case Storage():
            return _encoded(value.identifier) + b"Q"
        case dict():
            pairs = b"".join(_encoded(key) + _encoded(item) for key, item in value.items())
            return b"}(" + pairs + b"u"
        case tuple():
            return b"(" + b"".join(map(_encoded, value)) + b"t"
        case _:
            return pickle.dumps(value, protocol=2)[2:-1]


def archive(path: Path, value: Any, compression: int = zipfile.ZIP_STORED, **storages: bytes) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", value if isinstance(value, bytes) else program(value))
        for key, data in storages.items():
            file.writestr(f"archive/data/{key}", data)
    return path


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_tensors_are_views_of_their_storages(tmp_path: Path) -> None:
    storage = Storage("a", 6)
    value = {
        "rows": tensor(storage, 0, (2, 3), (3, 1)),
        "transposed": tensor(storage, 0, (3, 2), (1, 3)),
        "tail": tensor(storage, 4, (2,), (1,)),
        "number": tensor(Storage("b", 1, "LongStorage"), 0, (), ()),
        "none": tensor(storage, 6, (0,), (1,)),
    }
    path = archive(tmp_path / "a.pt", value, a=floats(*range(6)), b=struct.pack("<q", 7))
    read = read_tensors(path)
    assert read["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["transposed"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert read["tail"].tolist() == [4, 5]
    assert read["number"] == 7
    assert read["none"].size == 0
    with pytest.raises(ValueError, match="read-only"):
        read["rows"][0, 0] = 1


@pytest.mark.parametrize(
    "value",
    [
        tensor(Storage("a", 6), 0, (7,), (1,)),
        tensor(Storage("a", 6), 3, (4,), (1,)),
        tensor(Storage("a", 6), 0, (2, 3), (4, 1)),
        tensor(Storage("a", 6), 0, (10**12,), (0,)),
        tensor(Storage("a", 6), -1, (2,), (1,)),
        tensor(Storage("a", 6), 0, (-1,), (1,)),
        tensor(Storage("a", 6), 0, (2,), (-1,)),
        tensor(Storage("a", 6), 0, (2,), (1, 1)),
        tensor(Storage("a", 6), 0, (True,), (1,)),
        tensor(Storage("a", 6), 0, "23", (1, 1)),
        tensor(Storage("a", 5), 0, (5,), (1,)),
        tensor(Storage("a", 10**12), 0, (5,), (1,)),
        tensor(Storage("a", "6"), 0, (5,), (1,)),
        tensor(Storage("missing", 6), 0, (5,), (1,)),
        tensor(Storage("../data.pkl", 6), 0, (5,), (1,)),
        tensor(Storage("a", 6, "UntypedStorage"), 0, (5,), (1,)),
        Call(Global("torch._utils", "_rebuild_tensor_v2"), "no storage", 0, (1,), (1,), False, None),
        Call(Global("torch._utils", "_rebuild_tensor_v2")),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path, value: Call) -> None:
    with pytest.raises(UnreadableWeightsError):
        read_tensors(archive(tmp_path / "a.pt", {"w": value}, a=floats(*range(6))))


class Harmful:
    def __reduce__(self) -> Any:
        return open, ("harm", "w")


@pytest.mark.parametrize(
    "code",
    [pickle.dumps(Harmful(), protocol=protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    + [
        program(Call(Global("builtins", "eval"), "open('harm', 'w')")),
        program(Call(Global("collections", "OrderedDict"), (("a", 1),))),
        program({("a",): 1}),
        program(Call(Global("collections", "UserDict"))),
        b"\x80\x02Nb.",  # builds nothing
        b"\x80\x02}}b",  # no end
        b"\x80\x02(.",
        b"\x80\x02t.",
        b"\x80\x020.",
        b"\x80\x02K\x01K\x02.",
        b"\x80\x02\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",  # a byte array of eight exabytes
        b"\x80\x02X\xff\xff\xff\x7fa.",
        b"(i" + b"os\nsystem\n.",
        b"\x82\x01.",  # an extension
        b"",
        b"junk",
    ],
)
def test_a_program_that_does_more_than_build_tensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableWeightsError):
        read_tensors(archive(tmp_path / "a.pt", code))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


@thorough
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(code: bytes) -> None:
    with suppress(UnreadableWeightsError):
        build(b"\x80\x02" + code + b".", lambda *_: None, lambda *_: None)


def test_a_nest_of_tuples_takes_no_exponential_time() -> None:
    doubled = b"\x80\x02)" + b"q\x00h\x00\x86" * 200 + b"q\x00}h\x00Ns."
    with pytest.raises(UnreadableWeightsError, match="key"):
        build(doubled, tuple, tuple)


@pytest.mark.parametrize("content", [b"", b"no ZIP", pickle.dumps({"w": 1})])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    with pytest.raises(UnreadableWeightsError):
        read_tensors(path)


def test_compressed_and_oversized_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match="compressed"):
        read_tensors(archive(tmp_path / "a.pt", {}, zipfile.ZIP_DEFLATED, a=bytes(10**6)))
    with pytest.raises(UnreadableWeightsError, match="too long"):
        read_tensors(archive(tmp_path / "b.pt", b"\x80\x02" + b"N" * MAX_PROGRAM + b"."))


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Of one member, many entries in the directory: read one by one, they would fill the memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", program({}))
        file.writestr("archive/data/a", bytes(10**4))
        for _ in range(100):
            file.filelist.append(file.filelist[-1])
    (tmp_path / "a.pt").write_bytes(buffer.getvalue())
    with pytest.raises(UnreadableWeightsError, match="overlap"):
        read_tensors(tmp_path / "a.pt")
