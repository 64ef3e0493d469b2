"""Command line: `python -m benchmarks [SECTION|all]`; `--help` lists the sections."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.eval_set import MissingAudioError
from benchmarks.files import accuracy
from benchmarks.live import hour, replayed_speakers, sharing, words
from benchmarks.live import soak as live_soak
from benchmarks.live import speakers as live_speakers
from benchmarks.load import callers, day_answers, day_store, faults, latency, memory, soak
from benchmarks.recognition import coverage, faint, hallucinations, languages, music, wer, word_times
from benchmarks.report import note, provenance, write_section
from benchmarks.speakers import counts, day, edges, error_rate, hard_counts, hours, known_voices
from benchmarks.speed import overhead, short_clips, start
from benchmarks.values import HALVES, Options

SECTIONS = {
    "wer": wer,
    "speakers": error_rate,
    "counts": counts,
    "known_speakers": known_voices,
    "hard_counts": hard_counts,
    "edges": edges,
    "languages": languages,
    "coverage": coverage,
    "faint": faint,
    "word_times": word_times,
    "music": music,
    "hallucinations": hallucinations,
    "overhead": overhead,
    "latency": latency,
    "clips": short_clips,
    "start": start,
    "load": callers,
    "memory": memory,
    "day": day,
    "day_answers": day_answers,
    "hours": hours,
    "day_store": day_store,
    "live": words,
    "live_speakers": live_speakers,
    "live_diarization": replayed_speakers,
    "live_sharing": sharing,
    "live_hour": hour,
    "soak": soak,
    "live_soak": live_soak,
    "faults": faults,
    "files": accuracy,
}

OWN_SERVERS = frozenset(
    (
        *("counts", "start", "load", "memory", "day", "day_answers", "hours", "day_store", "soak", "faults"),
        *("live", "live_speakers", "live_sharing", "live_hour", "live_soak"),
    )
)
"""Sections that start their own servers."""

MISSING_AUDIO = 2  # exit status


def main(argv: Sequence[str]) -> int:
    """Runs the requested sections; returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    names = list(SECTIONS) if arguments.section == "all" else [arguments.section]
    if arguments.base_url and OWN_SERVERS.intersection(names):
        parser.error(f"{', '.join(sorted(OWN_SERVERS))} start their own servers: omit --base-url")
    halves = (arguments.half,) if arguments.half else HALVES
    options = Options(arguments.eval, arguments.base_url, arguments.quick, halves, arguments.files)
    command = shlex.join(["python", "-m", "benchmarks", *argv])
    try:
        for name in names:
            _run(name, options, command, arguments.out)
    except MissingAudioError as error:
        note(str(error))
        return MISSING_AUDIO
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the server through HTTP."
    )
    parser.add_argument("section", nargs="?", default="all", choices=[*SECTIONS, "all"])
    audio = Path(os.environ.get("EVAL_DIR", "../shared/eval"))
    parser.add_argument("--eval", type=Path, default=audio, metavar="DIR", help="evaluation audio (EVAL_DIR)")
    parser.add_argument("--base-url", metavar="URL", help="a running server (default: start one)")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"), metavar="FILE")
    parser.add_argument(
        "--quick", action="store_true", help="skip the hour-long file and most of the hard set"
    )
    parser.add_argument("--half", choices=HALVES, help="of the hard set (default: both)")
    parser.add_argument("--files", default="*", metavar="PATTERN", help="files of the hard set, by name")
    return parser


def _run(name: str, options: Options, command: str, out: Path) -> None:
    section = SECTIONS[name]
    body = section.measure(options)
    text = f"## {section.TITLE}\n\n{provenance(command)}\n\n{body}"
    write_section(out, name, text)
    print(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
