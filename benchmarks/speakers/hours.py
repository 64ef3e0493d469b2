"""Diarization of hours of audio: the real diarizer on each chunk, and linking."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pyannote.core import Segment, Timeline

from benchmarks.client import Client
from benchmarks.report import note, percent, table
from benchmarks.server_process import ServerProcess
from benchmarks.speakers.day import MEGABYTE, PROGRAM
from benchmarks.speakers.day_audio import read_pieces, write_recording
from benchmarks.speakers.day_voices import label_consistency
from benchmarks.speakers.scores import annotate, diarization_errors, speaker_turns
from benchmarks.values import Options, Turn

TITLE = "Multi-hour diarization"

HOURS = (1, 3)

METHOD = """\
The recordings of `python -m benchmarks day`: MP3s of real conversations, concatenated from pieces of 100 s in
random order, at three levels and three speeds, with pauses. The recogniser is a stub, the diarizer the
default one; each chunk of ten minutes is diarized separately, and its speakers are linked with those of the
others. *Consistency* is the share of all speaking time in which speakers have their own label, under the best
one-to-one mapping of labels to speakers for the whole recording. DER is computed with pyannote.metrics,
including overlap; the references exclude pauses of 0.3 s and more within an utterance."""

HEADER = (
    "audio",
    "speakers",
    "labels",
    "consistency",
    "DER",
    "miss + false alarm + confusion",
    "DER, collar 0.25 s",
    "wall time s",
    "idle MB",
    "peak MB",
)


def measure(options: Options) -> str:
    pieces = read_pieces(options.eval_dir)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.mp3"
        for hours in HOURS[:1] if options.quick else HOURS:
            turns = write_recording(recording, pieces, hours * 3600)
            rows.append((f"{hours} h", *_row(recording, turns, options.eval_dir)))
            note(" ".join(map(str, rows[-1])))
    return "\n\n".join((METHOD, table(HEADER, rows)))


def _row(audio: Path, turns: Sequence[Turn], eval_dir: Path) -> tuple[object, ...]:
    with ServerProcess.running(PROGRAM, EVAL_DIR=str(eval_dir.resolve())) as server:
        ready = server.rss()
        answer = Client(server.base_url).transcribe_speakers(audio, language="en")
    found = speaker_turns(answer.body)
    reference, scored = annotate(turns), Timeline([Segment(0, answer.body["duration"])])
    strict, lenient = (diarization_errors(reference, scored, found, collar=collar) for collar in (0.0, 0.25))
    return (
        len({turn.speaker for turn in turns}),
        len({turn.speaker for turn in found}),
        percent(label_consistency(found, turns)),
        percent(strict.rate),
        strict.parts,
        percent(lenient.rate),
        round(answer.seconds),
        *(f"{size / MEGABYTE:.0f}" for size in (ready, server.peak_rss)),
    )
