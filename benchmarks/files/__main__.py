"""Writes one file of `python -m benchmarks files` and measures it: `python -m benchmarks.files NAME`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from benchmarks.files.accuracy import FILES, Sample, compare, samples, undamaged
from benchmarks.files.timelines import timelines


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.files", description=__doc__)
    parser.add_argument("name", help="as the benchmark lists it")
    parser.add_argument("--keep", type=Path, default=Path("sample.bin"), metavar="FILE")
    options = parser.parse_args(argv)
    every = chain(map(undamaged, timelines()), samples(FILES))
    sample: Sample | None = next((one for one in every if one.name == options.name), None)
    if sample is None:
        parser.error(f"the benchmark has no file {options.name!r}")
    options.keep.write_bytes(sample.data())
    print(compare(sample, options.keep))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
