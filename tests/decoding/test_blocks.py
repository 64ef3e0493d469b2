"""Sound in blocks of any format, and clips written from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models import Span
from tests.decoding.encoded_audio import decoded, encode, tone
from utils.audio_utils import ClipWriter, SoundFormat, read_samples
from utils.decoding.blocks import decoded_blocks

STEREO = SoundFormat(2, 44_100, is_integer=False)


def in_stereo(source: Path) -> npt.NDArray[np.float32]:
    return np.concatenate(list(decoded_blocks(source, STEREO)), axis=1)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize(("layout", "gains"), [("mono", (0.3, 0.3)), ("stereo", (0.3, 0.0))])
def test_sound_in_stereo(tmp_path: Path, rate: int, layout: str, gains: tuple[float, float]) -> None:
    sound = tone(2.5, rate, len(set(gains)))
    channels = in_stereo(encode(tmp_path / "a.wav", "pcm_s16le", sound, rate=rate, layout=layout))
    assert channels.dtype == np.float32
    assert channels.shape[1] == pytest.approx(2.5 * 44_100, abs=50)
    np.testing.assert_allclose(np.abs(channels).max(axis=1), gains, atol=0.01)


def test_blocks_in_stereo_are_as_long(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(25, 16000), rate=16000)
    lengths = [block.shape[1] / 44_100 for block in decoded_blocks(source, STEREO)]
    assert len(lengths) == 3
    assert all(10 <= length < 11 for length in lengths[:2])


@pytest.mark.parametrize("extra", [-700, 0, 700])
def test_sound_becomes_a_clip_of_the_length_asked_for(tmp_path: Path, extra: int) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(3, 44100, 2), rate=44100, layout="stereo")
    straight = decoded(source)
    writer = ClipWriter(tmp_path / "written.s16", 44_100, straight.num_samples + extra)
    for block in np.array_split(in_stereo(source), 7, axis=1):
        writer.write(block)
    clip = writer.finish()
    assert clip.num_samples == straight.num_samples + extra
    assert clip.path.stat().st_size == 2 * clip.num_samples
    shared = Span(0, min(clip.num_samples, straight.num_samples))
    np.testing.assert_allclose(read_samples(clip, shared), read_samples(straight, shared), atol=1e-3)
    assert not read_samples(clip, Span(shared.stop, clip.num_samples)).any()
