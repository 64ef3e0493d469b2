"""Command line: `python -m benchmarks.files.fuzz`; the exit status is 1 if a bound is broken."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files.fuzz import campaign
from benchmarks.files.fuzz.seeds import seeds
from benchmarks.report import note, provenance, write_section

TITLE = "Damaged and hostile files"


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    numbers = range(options.cases) if options.only is None else [options.only]
    result = campaign.run(seeds(), options.seed, numbers)
    if options.only is not None:
        case = result.campaign.case(options.only)
        options.keep.write_bytes(case.upload.data)
        note(f"{case.description}; written to {options.keep}")
    _write(result.text(), argv, options.out)
    return 0 if result.is_met else 1


def _write(body: str, argv: Sequence[str], out: Path | None) -> None:
    command = shlex.join(["python", "-m", "benchmarks.files.fuzz", *argv])
    text = f"## {TITLE}\n\n{provenance(command)}\n\n{body}"
    if out:
        write_section(out, "fuzz", text)
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.files.fuzz", description="Send damaged files to a server without models."
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--only", type=int, metavar="N", help="replay one case and keep its file")
    parser.add_argument("--keep", type=Path, default=Path("case.bin"), metavar="FILE", help="of --only")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a section, as to docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
