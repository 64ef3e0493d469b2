"""Files that are refused: no audio, playlists, too long, sample rates out of bounds."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from exceptions import InvalidAudioError
from tests.decoding.encoded_audio import add_pictures, decoded, encode, tone


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "words " * 500)


def a_jpeg(path: Path) -> None:
    with av.open(path, "w", format="mjpeg") as container:
        add_pictures(container, "mjpeg", "yuvj420p")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(range(256)) * 50),
        lambda path: path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>" * 20),
        a_zip,
        a_jpeg,
        lambda path: encode(path.with_suffix(".mp4"), "aac", rate=1, film=True).rename(path),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, write: Callable[[Path], object]) -> None:
    write(tmp_path / "upload")
    with pytest.raises(InvalidAudioError) as caught:
        decoded(tmp_path / "upload")
    assert caught.value.param == "file"


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.0,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "text"), [("a.m3u8", PLAYLIST), ("a.ffconcat", "ffconcat version 1.0\nfile {}\n")]
)
def test_a_file_that_names_another_is_refused(tmp_path: Path, name: str, text: str) -> None:
    secret = encode(tmp_path / "secret.ts", "mp2", tone(2, 44100), rate=44100)
    assert decoded(secret).seconds > 1  # it could be read
    for target in (secret, secret.name, f"file:{secret}"):
        (tmp_path / name).write_text(text.format(target))
        with pytest.raises(InvalidAudioError):
            decoded(tmp_path / name)


@pytest.mark.parametrize("rate", [1, 3_999])
def test_a_rate_that_would_blow_up_is_refused(tmp_path: Path, rate: int) -> None:
    """At 1 Hz a few kilobytes of FLAC are an hour of audio in every frame."""
    source = encode(tmp_path / "a.flac", "flac", tone(1, 16000), rate=rate)
    with pytest.raises(InvalidAudioError, match="sample rate"):
        decoded(source)
