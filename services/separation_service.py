"""Vocal separation: removes the music of a whole recording before all other stages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from models import AudioClip, Span
from seams import SEPARATION_CHANNELS, Decoder, SeparationLayout, SeparationModel
from utils.audio.level import Level, LevelMeter
from utils.audio.music_detector import is_musical, music_score, probes
from utils.audio.overlap_add import Excerpt, OverlapAdder, Samples, SegmentCutter, weighted_mean
from utils.audio_utils import ClipWriter, SoundFormat, read_samples
from utils.decoding.tracks import TrackChoice
from utils.disk import disk_full_translated
from utils.model_manager import ModelSlot
from utils.waiting.concurrency import finish_in_thread


class VocalSeparationService:
    """Segments are separate jobs on the slot, so that other requests get their turn in between."""

    def __init__(self, model: ModelSlot[SeparationModel], decoder: Decoder) -> None:
        self._model = model
        self._decoder = decoder

    async def is_needed(self, clip: AudioClip) -> bool:
        """Whether the recording contains music; checks excerpts of a long one, without the model."""
        spans = probes(clip.num_samples)
        return is_musical([await finish_in_thread(partial(_score, clip, span)) for span in spans])

    async def separate(
        self, upload: Path, choice: TrackChoice, clip: AudioClip, workspace: Path
    ) -> AudioClip:
        """The vocals of a track of `upload`: a clip as long as `clip`, its mono mix, which it replaces.

        Raises InvalidAudioError, InsufficientStorageError, ModelFailedError, ModelUnavailableError.
        """
        layout = await self._model.run(lambda model: model.layout())
        sound = SoundFormat(SEPARATION_CHANNELS, layout.sample_rate, is_integer=False)
        cutter = SegmentCutter(layout.segment, SEPARATION_CHANNELS)
        with disk_full_translated():
            level = await self._level(upload, sound, choice)
            clip_writer = ClipWriter(workspace / "vocals.s16", layout.sample_rate, clip.num_samples)
            track = _VocalTrack(layout, level, clip_writer)
            async with self._decoder.open(upload, sound, choice) as audio:
                async for block in audio:
                    normalised = await finish_in_thread(partial(level.normalised, block))
                    await self._separate(cutter.feed(normalised), track)
            await self._separate(cutter.finish(), track)
            vocals = await finish_in_thread(track.finish)
        await finish_in_thread(clip.path.unlink)
        return vocals

    async def _level(self, upload: Path, sound: SoundFormat, choice: TrackChoice) -> Level:
        meter = LevelMeter()
        async with self._decoder.open(upload, sound, choice) as audio:
            async for block in audio:
                await finish_in_thread(partial(meter.add, block))
        return meter.level

    async def _separate(self, excerpts: Iterable[Excerpt], track: _VocalTrack) -> None:
        for excerpt in excerpts:
            estimates = await self._model.run(partial(_estimate, excerpt))
            await finish_in_thread(partial(track.add, estimates))


class _VocalTrack:
    """Adds the estimates of segments to a clip of the vocals."""

    def __init__(self, layout: SeparationLayout, level: Level, clip: ClipWriter) -> None:
        self._adder = OverlapAdder(layout.segment, (len(layout.weights), SEPARATION_CHANNELS))
        self._weights = layout.weights
        self._level = level
        self._clip = clip

    def add(self, estimates: Samples) -> None:
        self._write(self._adder.add(estimates))

    def finish(self) -> AudioClip:
        self._write(self._adder.finish())
        return self._clip.finish()

    def _write(self, estimates: Samples) -> None:
        self._clip.write(self._level.restored(weighted_mean(estimates, self._weights)))


def _estimate(excerpt: Excerpt, model: SeparationModel) -> Samples:
    return model.separate(excerpt.block, excerpt.offset, excerpt.length)


def _score(clip: AudioClip, span: Span) -> float:
    return music_score(read_samples(clip, span))
