"""What is heard of the open chunk of a session: windows of the segmentation, each ending at what is then the
newest sample, and samples of the voices, each embedded once. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models import SAMPLE_RATE, Span
from utils.speakers.local_speakers import (
    CLASSES,
    FRAME,
    WINDOW,
    WINDOW_FRAMES,
    Floats,
    HeardWindows,
    LocalSpeakers,
    combine_windows,
)
from utils.speakers.voice_samples import VoiceSample, plan_stretches, sample_voices
from utils.speech.speech_map import FRAME as FRAME_OF_SPEECH
from utils.speech.speech_map import SpeechMap

HOP = 2 * SAMPLE_RATE  # of the windows
# The network hears too little in a window that is mostly silence to be held to it: up to here, everything is
# heard again whenever more has come.
START = WINDOW + 5 * SAMPLE_RATE
LEAD = 64 * FRAME_OF_SPEECH  # of silence before the first speech
HEARD = 0.35  # probability of a frame in which somebody may speak: such speech is heard
UNSURE = SAMPLE_RATE // 2  # at the end of what is heard: voices are sampled there when more has come

NO_WINDOWS = HeardWindows(
    (), np.zeros((0, WINDOW_FRAMES, len(CLASSES)), np.float32), np.zeros((0, WINDOW_FRAMES), np.float32)
)


@dataclass(frozen=True, slots=True)
class PlannedVoices:
    """Stretches of speech up to `until`, and for each the samples of the voices in it."""

    until: int
    stretches: Sequence[Span] = ()
    samples: Sequence[Sequence[VoiceSample]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class HeardChunk:
    """The chunk over `heard`, with the speech detected in it. The voices are sampled up to `sampled`; windows
    and centres of the samples count from the start of the chunk; `embeddings` (n, d) has a row for each."""

    heard: Span
    speech: SpeechMap
    sampled: int
    windows: HeardWindows = NO_WINDOWS
    samples: tuple[VoiceSample, ...] = ()
    embeddings: Floats | None = None

    @classmethod
    def from_sample(cls, start: int) -> HeardChunk:
        """Nothing yet, from a sample at the start of a frame of the speech detector on."""
        return cls(Span(start, start), SpeechMap(start, 0, np.zeros(0, np.float32)), start)

    @property
    def is_start(self) -> bool:
        """Whether so little is heard that it will all be heard again."""
        return self.heard.num_samples < START

    def plan_windows(self, speech: SpeechMap, until: int) -> list[int]:
        """The starts of new windows: the first of the chunk, and where somebody speaks those that end at
        `until` and each `HOP` before it."""
        first = self.heard.start + WINDOW
        ends = [] if self.windows.starts else [first]
        hops = [Span(end - HOP, end) for end in range(until, max(self.heard.stop, first), -HOP)]
        ends += [hop.stop for hop in reversed(hops) if speech.spoken(hop, HEARD)]
        return [self.heard.start + (end - first) // FRAME * FRAME for end in ends or [until]]

    def with_windows(self, speech: SpeechMap, until: int, windows: HeardWindows = NO_WINDOWS) -> HeardChunk:
        return replace(
            self,
            heard=Span(self.heard.start, until),
            speech=self.speech.continued(speech, until),
            windows=HeardWindows.joined([self.windows, windows]) if windows.starts else self.windows,
        )

    def after_silence(self, speech: SpeechMap, until: int) -> HeardChunk:
        """As nobody speaks up to `until`."""
        if not self.windows.starts:
            return HeardChunk.from_sample(max(self.heard.start, until - LEAD))
        return replace(self.with_windows(speech, until), sampled=until)

    def plan_voices(self, until: int) -> PlannedVoices:
        """Samples of the voices that are not sampled yet, up to `until`."""
        starts = self.windows.starts
        first = next((n for n, start in enumerate(starts) if start + WINDOW > self.sampled), len(starts))
        if first == len(starts) or until <= self.sampled:
            return PlannedVoices(self.sampled)
        windows = self.windows.since(first)
        local = combine_windows(Span(windows.starts[0], until), windows, self.speech)
        done = np.arange(len(local.speech)) * FRAME < self.sampled - local.sample(0)
        local = replace(local, speech=np.where(done, 0, local.speech))
        shift = (local.origin - self.heard.start) // FRAME
        stretches = plan_stretches(local)
        planned = [
            [replace(voice, centre=voice.centre + shift, window=voice.window + first) for voice in voices]
            for voices in sample_voices(local, stretches)
        ]
        return PlannedVoices(until, stretches, planned)

    def with_voices(self, planned: PlannedVoices, embeddings: Sequence[Floats]) -> HeardChunk:
        """`embeddings` are those of the stretches that have samples."""
        rows = [*([] if self.embeddings is None else [self.embeddings]), *embeddings]
        return replace(
            self,
            sampled=planned.until,
            samples=(*self.samples, *(voice for voices in planned.samples for voice in voices)),
            embeddings=np.concatenate(rows) if rows else None,
        )

    def local_speakers(self) -> LocalSpeakers:
        return combine_windows(self.heard, self.windows, self.speech)

    def since(self, before: int) -> HeardChunk:
        """The windows that start at `before` or later, and the samples whose voice they identify."""
        starts = self.windows.starts
        first = next((n for n, start in enumerate(starts) if start >= before), len(starts))
        if first == len(starts):
            return HeardChunk.from_sample(self.heard.stop)
        shift = (starts[first] - self.heard.start) // FRAME
        kept = [n for n, voice in enumerate(self.samples) if voice.window >= first]
        samples = (self.samples[n] for n in kept)
        return HeardChunk(
            Span(starts[first], self.heard.stop),
            self.speech.since(starts[first]),
            self.sampled,
            self.windows.since(first),
            tuple(replace(v, centre=v.centre - shift, window=v.window - first) for v in samples),
            None if self.embeddings is None or not kept else self.embeddings[kept],
        )
