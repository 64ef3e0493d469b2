"""Heat maps of speaker activity, one per recording: the reference above, the answer below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks.speakers.scores import annotate
from benchmarks.values import Turn

COLUMNS = 400  # time bins; a cell's darkness is its speaker's share of the bin
INCHES = (8.0, 0.25)  # width, height of a row
UNMATCHED = "–"


def draw_heat_map(
    path: Path, title: str, seconds: float, reference: Annotation, turns: Sequence[Turn]
) -> None:
    """Rows are the reference's speakers, the answer's best match for each, and its unmatched speakers."""
    answer = annotate(turns)
    matching = {
        expected: label
        for label, expected in DiarizationErrorRate().optimal_mapping(reference, answer).items()
    }
    speakers = reference.labels()
    extra = [label for label in answer.labels() if label not in matching.values()]
    rows = [
        *((speaker, _activity(reference, speaker, seconds)) for speaker in speakers),
        *(
            (matching.get(speaker, UNMATCHED), _activity(answer, matching.get(speaker), seconds))
            for speaker in speakers
        ),
        *((label, _activity(answer, label, seconds)) for label in extra),
    ]
    with mpl.rc_context({"font.size": 7, "svg.hashsalt": title}):
        figure = Figure(figsize=(INCHES[0], 0.8 + INCHES[1] * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.imshow(
            np.stack([activity for _, activity in rows]),
            aspect="auto",
            cmap="magma_r",
            vmin=0,
            vmax=1,
            interpolation="nearest",
            extent=(0, seconds, len(rows), 0),
        )
        axes.axhline(len(speakers), color="tab:blue", linewidth=1.5)
        axes.set_yticks(np.arange(len(rows)) + 0.5, [str(name)[:16] for name, _ in rows])
        axes.set_xlabel("seconds; above the line the reference, below it the answer")
        axes.set_title(title)
        figure.savefig(path, dpi=80, metadata={"Software": None})


def _activity(annotation: Annotation, label: str | None, seconds: float) -> npt.NDArray[np.float64]:
    """(COLUMNS,) share of each time bin in which `label` speaks."""
    edges = np.linspace(0, seconds, COLUMNS + 1)
    spoken = np.zeros(COLUMNS)
    if label is None:
        return spoken
    for segment in annotation.label_timeline(label).support():
        spoken += _covered(segment, edges)
    return np.asarray(spoken / (seconds / COLUMNS))


def _covered(segment: Segment, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Seconds of `segment` in each time bin."""
    covered = np.minimum(segment.end, edges[1:]) - np.maximum(segment.start, edges[:-1])
    return np.asarray(np.clip(covered, 0, None))
