"""Selects voice samples: short, of one local speaker each, as free of others as possible. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models import SAMPLE_RATE, Span
from utils.speakers.local_speakers import FRAME, SPEECH, WINDOW_FRAMES, Flags, LocalSpeakers, true_runs
from utils.speech.speech_map import within

HOP = SAMPLE_RATE // 2
MAX_CENTRES = 1500  # per chunk; clustering is quadratic in it
REACH = 45  # frames to each side of a centre: windows of 1.5 s
SHORTEST = SAMPLE_RATE * 3 // 10  # the embedding of less is noise
# Trust in a voice that talks alone at the centre, alone elsewhere in the stretch, or only in overlap.
ALONE, ELSEWHERE, OVERLAPPED = 1.0, 0.5, 0.25
LONGEST_STRETCH = 10 * SAMPLE_RATE
MAX_PAUSE = SAMPLE_RATE // 2  # inside a stretch
STRETCH_SPEECH = 0.2


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """The voice at frame `centre` of the local speaker `seat` of window `window`, taken from `spans` of the
    recording."""

    centre: int
    window: int
    seat: int
    spans: tuple[Span, ...]
    trust: float


def plan_stretches(local: LocalSpeakers) -> list[Span]:
    """Speech in pieces of at most ten seconds, each read and convolved once."""
    regions: list[Span] = []
    for first, last in true_runs(local.speech > STRETCH_SPEECH):
        region = local.span(first, last)
        if regions and region.start - regions[-1].stop <= MAX_PAUSE:
            region = Span(regions.pop().start, region.stop)
        regions.append(region)
    return [piece for region in regions for piece in _pieces(region)]


def _pieces(region: Span) -> Iterator[Span]:
    parts = -(-region.num_samples // LONGEST_STRETCH)
    cuts = [region.start + region.num_samples * part // parts for part in range(parts + 1)]
    yield from map(Span, cuts, cuts[1:])


def sample_voices(local: LocalSpeakers, stretches: Sequence[Span]) -> list[list[VoiceSample]]:
    """For each stretch, samples half a second apart; in overlapping speech, one of each speaker."""
    alone = local.alone
    hop = max(HOP, int((local.speech > SPEECH).sum()) * FRAME // MAX_CENTRES) // FRAME
    samples: list[list[VoiceSample]] = [[] for _ in stretches]
    stops = np.array([stretch.stop for stretch in stretches])
    for centre in _centres(local.speech > SPEECH, hop):
        index = int(np.searchsorted(stops, local.sample(centre), side="right"))
        if index < len(stretches):
            samples[index].extend(_samples_at(local, alone, centre, stretches[index]))
    return samples


def _centres(speech: Flags, hop: int) -> Iterator[int]:
    for first, last in true_runs(speech):
        number = max(1, round((last - first) / hop))
        for index in range(number):
            yield first + (2 * index + 1) * (last - first) // (2 * number)


def _samples_at(local: LocalSpeakers, alone: Flags, centre: int, stretch: Span) -> Iterator[VoiceSample]:
    window = int(np.abs(local.starts + WINDOW_FRAMES // 2 - centre).argmin())
    here = centre - int(local.starts[window])
    if not 0 <= here < WINDOW_FRAMES:
        return
    for seat in np.flatnonzero(local.talks[window, here]).tolist():
        for first, flags, trust in _choices(local, alone, centre, window, seat):
            spans = tuple(_clipped(local, first, flags, stretch))
            if sum(span.num_samples for span in spans) >= SHORTEST:
                yield VoiceSample(centre, window, seat, spans, trust)
                break


def _choices(
    local: LocalSpeakers, alone: Flags, centre: int, window: int, seat: int
) -> Iterator[tuple[int, Flags, float]]:
    """Candidate frames of the seat, the cleanest first: the first frame of the flags, flags, trust."""
    start = int(local.starts[window])
    if alone[window, centre - start, seat]:
        yield centre - REACH, _agreed(local, alone, centre), ALONE
        return
    near = np.abs(np.arange(WINDOW_FRAMES) + start - centre) <= REACH
    own = alone[window, :, seat]
    yield start, own & near, ELSEWHERE
    yield start, own, ELSEWHERE
    yield start, local.talks[window, :, seat] & near, OVERLAPPED


def _agreed(local: LocalSpeakers, alone: Flags, centre: int) -> Flags:
    """The frames within `REACH` that most windows give to the speaker who talks alone at the centre."""
    votes = np.zeros(2 * REACH + 1)
    voters = np.zeros(2 * REACH + 1)
    for window, start in enumerate(local.starts.tolist()):
        here = centre - start
        if 0 <= here < WINDOW_FRAMES:
            first, last = max(here - REACH, 0), min(here + REACH + 1, WINDOW_FRAMES)
            place = slice(first - here + REACH, last - here + REACH)
            voters[place] += 1
            votes[place] += (alone[window, first:last] & alone[window, here]).any(axis=1)
    return np.asarray(2 * votes > voters)


def _clipped(local: LocalSpeakers, first: int, flags: Flags, stretch: Span) -> list[Span]:
    return within((local.span(first + start, first + stop) for start, stop in true_runs(flags)), stretch)
