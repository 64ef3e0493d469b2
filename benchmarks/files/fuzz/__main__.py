"""Command line: `python -m benchmarks.files.fuzz`; the exit status is 1 if a bound is broken."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.files.bombs import run as bombs
from benchmarks.files.fuzz import campaign
from benchmarks.files.fuzz.seeds import seeds
from benchmarks.report import note, provenance, write_section

TITLE = "Damaged and hostile files"


def main(argv: Sequence[str]) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := set(options.bomb or ()) - set(bombs.BOMBS):
        parser.error(f"no bomb is called {', '.join(unknown)}; there are {', '.join(bombs.BOMBS)}")
    results = []
    for result in _results(options):
        print(result.text(), flush=True)
        results.append(result)
    if options.out:
        command = provenance(shlex.join(["python", "-m", "benchmarks.files.fuzz", *argv]))
        body = "\n\n".join(result.text() for result in results)
        write_section(options.out, "fuzz", f"## {TITLE}\n\n{command}\n\n{body}")
    return 0 if all(result.is_met for result in results) else 1


def _results(options: argparse.Namespace) -> Iterator[campaign.Result | bombs.Result]:
    if not options.bomb:
        yield _send_mutants(options)
    if options.only is None and not options.no_bombs:
        yield bombs.run(options.bomb or bombs.BOMBS)


def _send_mutants(options: argparse.Namespace) -> campaign.Result:
    numbers = range(options.cases) if options.only is None else [options.only]
    result = campaign.run(seeds(), options.seed, numbers)
    if options.only is not None:
        case = result.campaign.case(options.only)
        options.keep.write_bytes(case.upload.data)
        note(f"{case.description}; written to {options.keep}")
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.files.fuzz",
        description="Send damaged files, then bombs, to a server without models.",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=10_000, help="damaged files")
    parser.add_argument("--only", type=int, metavar="N", help="replay one case and keep its file; no bombs")
    parser.add_argument("--keep", type=Path, default=Path("case.bin"), metavar="FILE", help="of --only")
    parser.add_argument(
        "--bomb", action="append", metavar="NAME", help="only this bomb, and no damaged files"
    )
    parser.add_argument("--no-bombs", action="store_true", help="only damaged files")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a section, as to docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
