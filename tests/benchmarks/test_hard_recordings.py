# ruff: noqa: E402 (the imports need the packages that are looked for first)
"""A recording of the hard set, from its turns to the files that the sections read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

for package in ("jiwer", "meeteval", "pyannote.metrics", "scipy", "whisper_normalizer"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -r requirements-bench.txt")

from benchmarks.eval_set import read_audio
from benchmarks.hard.drafts import CODECS, Draft, Scene
from benchmarks.hard.listing import HardRecording, read_hard_recordings
from benchmarks.hard.material import Phrase
from benchmarks.hard.mixing import mix, utterances
from benchmarks.hard.schedule import Line
from benchmarks.hard.signal.sound import level
from benchmarks.hard.writing import write, write_manifest
from benchmarks.speakers.scores import read_reference, read_stm
from benchmarks.values import HALVES, Options, Turn
from models import SAMPLE_RATE, Audio


def phrase(speaker: str, language: str, text: str) -> Phrase:
    """Noise for 0.6 s, a pause of 0.4 s, and noise for 0.5 s."""
    samples = np.random.default_rng(len(text)).normal(0, 0.1, round(1.7 * SAMPLE_RATE))
    samples[: SAMPLE_RATE // 10] = samples[-SAMPLE_RATE // 10 :] = 0
    samples[round(0.7 * SAMPLE_RATE) : round(1.1 * SAMPLE_RATE)] = 0
    return Phrase(speaker, language, text, samples.astype(np.float32))


LINES = (Line(0.5, phrase("ann", "en", "good day")), Line(3.0, phrase("bob", "de", "guten Tag, Ann")))


def mixed(scene: Scene) -> Audio:
    return mix(Draft("x", "conversation", LINES, scene), {}, np.random.default_rng(0))


def write_halves(folder: Path, scene: Scene) -> list[HardRecording]:
    for half in HALVES:
        (folder / half).mkdir()
        draft = Draft(f"talk_{half}", "conversation", LINES, scene, is_quick=half == "tune")
        row = write(folder / half, draft, mixed(scene), utterances(LINES))
        write_manifest(folder / half, [row])
    return read_hard_recordings(Options(folder, None, quick=False), folder=folder)


@pytest.mark.parametrize("codec", CODECS)
def test_a_recording_is_read_as_it_was_written(tmp_path: Path, codec: str) -> None:
    recording = write_halves(tmp_path, Scene(codec=codec, decay=0.2))[0]
    file = recording.conversation
    assert len(read_audio(file.audio)) / SAMPLE_RATE == pytest.approx(5.7, abs=0.1)
    reference, uem = read_reference(file.rttm, file.uem, file.uri)
    edges = [edge for segment in reference.itersegments() for edge in (segment.start, segment.end)]
    assert edges == pytest.approx([0.6, 1.2, 1.6, 2.1, 3.1, 3.7, 4.1, 4.6], abs=0.011)
    assert uem.duration() == pytest.approx(5.7)
    whole, _ = read_reference(file.rttm.with_suffix(".utt.rttm"), file.uem, file.uri)
    assert whole.get_timeline().duration() == pytest.approx(3.0, abs=0.04)
    assert file.stm
    assert [(turn.speaker, turn.text.strip()) for turn in read_stm(file.stm)] == [
        ("ann", "good day"),
        ("bob", "guten Tag, Ann"),
    ]
    assert recording.speech == pytest.approx({"ann": 1.1, "bob": 1.1}, abs=0.04)
    assert [item.language for item in recording.utterances] == ["en", "de"]
    assert isinstance(recording.utterances[0].turn, Turn)


def test_options_select_recordings(tmp_path: Path) -> None:
    assert [item.half for item in write_halves(tmp_path, Scene())] == ["tune", "held"]

    def names(quick: bool = False, halves: tuple[str, ...] = HALVES, files: str = "*") -> list[str]:
        options = Options(tmp_path, None, quick, halves, files)
        return [item.conversation.uri for item in read_hard_recordings(options, folder=tmp_path)]

    assert names(quick=True) == ["talk_tune"]
    assert names(halves=("held",)) == ["talk_held"]
    assert names(files="*_held") == ["talk_held"]
    assert read_hard_recordings(Options(tmp_path, None, False), {"panel"}, tmp_path) == []


def test_turns_without_text_have_no_transcript(tmp_path: Path) -> None:
    line = Line(0.5, Phrase("ann", "en", None, LINES[0].phrase.samples))
    row = write(tmp_path, Draft("x", "panel", [line], Scene()), mixed(Scene()), utterances([line]))
    assert row["stm"] is None
    assert not (tmp_path / "x.stm").exists()


def test_far_speakers_are_30_decibels_quieter_and_noise_is_below() -> None:
    samples = mixed(Scene(level=-20, snr=60, far=frozenset({"bob"})))
    near, far, noise = (samples[round(at * SAMPLE_RATE) :][: SAMPLE_RATE // 2] for at in (0.65, 3.15, 5.1))
    levels = [10 * np.log10(np.mean(part**2)) for part in (near, far, noise)]
    assert levels == pytest.approx([-20, -50, -80], abs=3.5)
    assert level(samples) > -24
