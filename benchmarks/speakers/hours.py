"""Speakers of hours of real voices, found by the real diarizer in chunks and linked."""

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
from benchmarks.speakers.day_voices import steadiness
from benchmarks.speakers.scores import annotate, diarization_errors, speaker_turns
from benchmarks.values import Options, Turn

TITLE = "Speakers of hours"

HOURS = (1, 3)

METHOD = """\
The recordings of `python -m benchmarks day`: MP3s of real conversations laid end to end in any order, a
hundred seconds of one at a time, at three levels and three speeds, with pauses. The recogniser is a stub,
the diarizer the default one; every chunk of ten minutes is heard alone, and its speakers are linked with
those of the others. *Own label* is the share of all speaking time in which people have the one label that
is theirs from the beginning to the end. DER by pyannote.metrics, overlap scored; the references cut pauses
of 0.3 s and more out of an utterance."""

HEADER = (
    "audio",
    "people",
    "labels",
    "own label",
    "DER",
    "miss + false alarm + confusion",
    "DER, collar 0.25 s",
    "wall time s",
    "when ready MB",
    "peak MB",
)


def measure(options: Options) -> str:
    pieces = read_pieces(options.eval_dir)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.mp3"
        for hours in HOURS[:1] if options.quick else HOURS:
            said = write_recording(recording, pieces, hours * 3600)
            rows.append((f"{hours} h", *_heard(recording, said, options.eval_dir)))
            note(" ".join(map(str, rows[-1])))
    return "\n\n".join((METHOD, table(HEADER, rows)))


def _heard(audio: Path, said: Sequence[Turn], eval_dir: Path) -> tuple[object, ...]:
    with ServerProcess.running(PROGRAM, EVAL_DIR=str(eval_dir.resolve())) as server:
        ready = server.rss()
        answer = Client(server.base_url).transcribe_speakers(audio, language="en")
    found = speaker_turns(answer.body)
    reference, scored = annotate(said), Timeline([Segment(0, answer.body["duration"])])
    plain, loose = (diarization_errors(reference, scored, found, collar=collar) for collar in (0.0, 0.25))
    return (
        len({turn.speaker for turn in said}),
        len({turn.speaker for turn in found}),
        percent(steadiness(found, said)),
        percent(plain.rate),
        plain.parts,
        percent(loose.rate),
        round(answer.seconds),
        *(f"{size / MEGABYTE:.0f}" for size in (ready, server.peak_rss)),
    )
