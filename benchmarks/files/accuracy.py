"""How long files are decoded to, and where their words are, against FFmpeg's own decoding of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby, islice
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.files.damage import Style, damaged
from benchmarks.files.encoding import Pcm
from benchmarks.files.lags import NOT_FOUND, Lags, lags, percentile
from benchmarks.files.recordings import Recording, recordings
from benchmarks.files.reference import ffmpeg, reference
from benchmarks.files.timelines import timelines
from benchmarks.report import note, num_cores, table
from benchmarks.values import Options
from models import SAMPLE_RATE
from utils.decoding.blocks import decoded_blocks

TITLE = "Lengths and times of decoded files"

FILES, QUICK_FILES = 1000, 142
SHARES = (0.0, 0.01, 0.1)  # of bytes that are overwritten
BOUND = 0.1  # seconds
MIN_REFERENCE = 0.5  # seconds: what FFmpeg itself decodes less of need not be decoded
BATCH = 64

METHOD = f"""\
Speech of eight to fourteen seconds in every pair of container and codec that PyAV writes, as it is and with
1 % and 10 % of its bytes overwritten in the middle, alternately in one run and in pieces of 64 bytes. The
reference is the ffmpeg program (`aresample=async=1:first_pts=0`): its decoding of the same file or, if that
is nearer to ours, of the undamaged one. Lengths are held against the recording's own too. Every second of
sound in the reference is looked for in ours by cross-correlation: its lag is how much later we have it. The
bound of both is {BOUND} s. In each cell are the figures of undamaged files, of 1 % and of 10 %."""

HEADER = ("", "files", "refused", "length off, s", "lag median, s", "lag largest, s", "seconds found")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one file: `length_error` in seconds; `refusal` says why there is none."""

    kind: str
    name: str
    share: float
    length_error: float = 0.0
    lags: Lags = NOT_FOUND
    refusal: str = ""

    @property
    def is_within_bounds(self) -> bool:
        return not self.refusal and max(self.length_error, self.lags.largest) <= BOUND


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to decode: a recording, with or without damage."""

    recording: Recording
    share: float
    style: Style

    @property
    def name(self) -> str:
        damage = f", {self.share:.0%} {self.style.value}" if self.share else ""
        return f"{self.recording.name}{damage}"

    def data(self) -> bytes:
        data = self.recording.data
        return damaged(data, self.share, self.style, Random(self.name)) if self.share else data


def measure(options: Options) -> str:
    program = f"Reference: ffmpeg {ffmpeg()[1]}."
    outcomes = list(_outcomes(samples(QUICK_FILES if options.quick else FILES)))
    special = list(_outcomes(map(undamaged, timelines())))
    parts = [METHOD, program, _table(outcomes), _table(special), _summary(outcomes + special)]
    return "\n\n".join(parts)


def samples(number: int) -> Iterator[Sample]:
    """Each recording undamaged and damaged, one after the other."""
    styles = list(Style)
    for index, recording in enumerate(recordings(number)):
        for which, share in enumerate(SHARES):
            yield Sample(recording, share, styles[(index + which) % len(styles)])


def undamaged(recording: Recording) -> Sample:
    return Sample(recording, SHARES[0], Style.RUN)


def decoded(path: Path) -> Pcm:
    """The recording as the server decodes it. Raises InvalidAudioError."""
    return np.concatenate([block[0] for block in decoded_blocks(path)])


def compare(sample: Sample, path: Path) -> Outcome | None:
    """Of a file of `sample` at `path`; None if not even FFmpeg decodes it."""
    recording = sample.recording
    wanted = reference(path, recording.has_picture)
    outcome = partial(Outcome, recording.kind, sample.name, sample.share)
    try:
        got = decoded(path)
    except Exception as error:  # whatever it is, one file must not end the benchmark
        is_lost = sample.share and (wanted is None or len(wanted) < MIN_REFERENCE * SAMPLE_RATE)
        return None if is_lost else outcome(refusal=type(error).__name__)
    references = [one for one in (wanted, _whole(recording) if sample.share else None) if one is not None]
    lengths = [recording.seconds, *(len(one) / SAMPLE_RATE for one in references)]
    length_error = min(abs(len(got) / SAMPLE_RATE - length) for length in lengths)
    found = min((lags(one, got) for one in references), key=lambda lags: lags.largest, default=NOT_FOUND)
    return outcome(length_error, found)


@lru_cache(maxsize=8)
def _whole(recording: Recording) -> Pcm | None:
    """FFmpeg's decoding of the undamaged file."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(recording.data)
        return reference(Path(file.name), recording.has_picture)


def _outcomes(wanted: Iterable[Sample]) -> Iterator[Outcome]:
    waiting, done = iter(wanted), 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(num_cores()) as pool:

        def run(numbered: tuple[int, Sample]) -> Outcome | None:
            path = Path(folder) / str(numbered[0])
            path.write_bytes(numbered[1].data())
            return compare(numbered[1], path)

        while batch := list(enumerate(islice(waiting, BATCH))):
            yield from filter(None, pool.map(run, batch))
            done += len(batch)
            note(f"{done} files")


def _table(outcomes: Sequence[Outcome]) -> str:
    kinds = groupby(outcomes, key=lambda outcome: outcome.kind)
    return table(HEADER, [_row(kind, list(group)) for kind, group in kinds])


def _row(kind: str, outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    shares = sorted({outcome.share for outcome in outcomes})
    groups = [[outcome for outcome in outcomes if outcome.share == share] for share in shares]
    cells = zip(*(_figures(group) for group in groups), strict=True)
    return kind, len(outcomes), *(" / ".join(cell) for cell in cells)


def _figures(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    errors = [outcome.length_error for outcome in outcomes if not outcome.refusal]
    seconds = [abs(lag) for outcome in outcomes for lag in outcome.lags.seconds]
    windows = sum(outcome.lags.windows for outcome in outcomes)
    return (
        str(len(outcomes) - len(errors)),
        f"{max(errors, default=0.0):.2f}",
        f"{percentile(seconds, 0.5):.3f}",
        f"{max(seconds, default=0.0):.2f}",
        f"{len(seconds) / windows:.0%}" if windows else "-",
    )


def _summary(outcomes: Sequence[Outcome]) -> str:
    broken = [outcome for outcome in outcomes if not outcome.is_within_bounds]
    lines = [f"{len(outcomes) - len(broken)} of {len(outcomes)} files within the bounds.", ""]
    for kind, group in groupby(broken, key=lambda outcome: outcome.kind):
        first, *others = group
        lines.append(f"- {kind}: {1 + len(others)}, as `{first.name}` ({_reason(first)})")
    return "\n".join(lines)


def _reason(outcome: Outcome) -> str:
    if outcome.refusal:
        return outcome.refusal
    return f"length off by {outcome.length_error:.2f} s, lag {outcome.lags.largest:.2f} s"
