"""Why a GPU is not used, with folders in place of /proc and /dev."""

from __future__ import annotations

import _ctypes
import shutil
from pathlib import Path

import pytest

from backends.device import (
    CUBLAS,
    DRIVER,
    NvidiaHost,
    choose_device,
    cuda_problem,
    load_library,
    nvidia_host,
    resolve_device,
)

CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (root@host)\n"
GCC = "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"


def machine(root: Path, version: str = "", has_device: bool = False) -> Path:
    (root / "dev").mkdir()
    if version:
        (root / "proc/driver/nvidia").mkdir(parents=True)
        (root / "proc/driver/nvidia/version").write_text(version)
    if has_device:
        (root / "dev/nvidiactl").touch()
    return root


@pytest.mark.parametrize(("text", "version"), [(CLOSED, "535.129.03"), (OPEN, "580.95.05"), (GCC, "")])
def test_the_version_of_the_driver_is_read_from_proc(text: str, version: str, tmp_path: Path) -> None:
    host = nvidia_host(machine(tmp_path, text + GCC, has_device=True), {})
    assert host == NvidiaHost(driver=version, has_device=True)


def test_a_machine_without_a_gpu_gives_no_reason(tmp_path: Path) -> None:
    host = nvidia_host(machine(tmp_path), {})
    assert host == NvidiaHost()
    assert cuda_problem(0, host, lambda _: False) is None


@pytest.mark.parametrize("value", ["", "-1"])
def test_a_hidden_gpu_gives_no_reason(value: str, tmp_path: Path) -> None:
    host = nvidia_host(machine(tmp_path, OPEN, has_device=True), {"CUDA_VISIBLE_DEVICES": value})
    assert cuda_problem(0, host, lambda _: True) is None


def test_a_gpu_that_works_gives_no_reason() -> None:
    assert cuda_problem(1, NvidiaHost("535.129.03", has_device=True), lambda _: True) is None


@pytest.mark.parametrize(
    ("count", "host", "missing", "words"),
    [
        (0, NvidiaHost("515.65.01", has_device=True), "", ("515.65.01", "too old", "525")),
        (0, NvidiaHost("515.65.01"), "", ("515.65.01", "too old")),
        (0, NvidiaHost("535.129.03"), "", ("535.129.03", "--gpus all")),
        (0, NvidiaHost("535.129.03", has_device=True), DRIVER, (DRIVER, "Container Toolkit", "535.129.03")),
        (0, NvidiaHost("535.129.03", has_device=True), "", ("535.129.03", "nvidia-smi")),
        (0, NvidiaHost("", has_device=True), "", ("unknown version", "nvidia-smi")),
        (2, NvidiaHost("535.129.03", has_device=True), CUBLAS, (CUBLAS, "requirements-gpu.txt")),
    ],
)
def test_the_reason_says_what_is_wrong_and_what_to_do(
    count: int, host: NvidiaHost, missing: str, words: tuple[str, ...]
) -> None:
    problem = cuda_problem(count, host, lambda library: library != missing)
    assert problem
    assert [word for word in words if word not in problem] == []


def test_a_gpu_that_cannot_be_used_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_device(0, NvidiaHost("515.65.01", has_device=True), lambda _: True) == "cpu"
    assert choose_device(1, NvidiaHost("535.129.03", has_device=True), lambda name: name != CUBLAS) == "cpu"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "515.65.01 is too old" in caplog.text


def test_no_gpu_and_one_that_works_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_device(0, NvidiaHost(), lambda _: False) == "cpu"
    assert choose_device(1, NvidiaHost("535.129.03", has_device=True), lambda _: True) == "cuda"
    assert caplog.records == []


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_device_that_is_named_is_not_questioned(device: str) -> None:
    assert resolve_device(device) == device


def test_a_library_is_loaded_from_its_wheel(tmp_path: Path) -> None:
    """Any library will do; the loader refuses what is none."""
    assert not load_library("libfake.so.12", [str(tmp_path)])
    folder = tmp_path / "nvidia/cublas/lib"
    folder.mkdir(parents=True)
    (folder / "libfake.so.12").write_text("not a library")
    assert not load_library("libfake.so.12", [str(tmp_path)])
    shutil.copy(_ctypes.__file__, folder / "libfake.so.12")
    assert load_library("libfake.so.12", [str(tmp_path)])
