"""A transcription as a stream of events, with fakes for its models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest

from exceptions import InvalidAudioError, ModelFailedError, UploadTooLargeError
from models import Audio, Chunk, ChunkResult, Span, seconds
from options import SpeakerCount, TranscriptionOptions
from seams import Detector, PartsEmbedder, Recogniser, Segmenter
from services.audio_service import AudioService
from services.chunk_processor import Stages
from services.chunk_runner import LocalChunkRunner
from services.diarization_service import ClusteringDiarizer
from services.transcription import TranscriptionService
from services.whisper.work_queues import BatchSizes
from services.whisper_service import WhisperService
from tests.fakes import (
    DirectDecoder,
    LoudnessDetector,
    PitchEmbedder,
    PitchSegmenter,
    Rows,
    ScriptedRecogniser,
)
from tests.recordings import silence, tone, wav
from utils.audio_utils import BYTES_PER_SAMPLE
from utils.model_manager import ModelSlot, ModelSource
from utils.speakers.labels import speaker_label
from utils.speech.chunk_planner import ChunkLimits
from utils.transcript.events import Announced, Event, Finished, Settled
from utils.waiting.progress import Progress
from utils.workspace_room import WorkspaceRoom

LENGTH = 264
TALK = wav(*([tone(20.0, 300.0), silence(2.0), tone(20.0, 900.0), silence(2.0)] * 6))
PLAIN = TranscriptionOptions()
SPEAKERS = TranscriptionOptions(diarize=True)


class FragileEmbedder(PitchEmbedder):
    """May fail."""

    fails = False

    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> Rows:
        if self.fails:
            raise ModelFailedError("out of memory")
        return super().embed_parts(stretch, voices)


class Pipeline:
    """A transcription service that works in chunks of a minute, and its models."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.recogniser = ScriptedRecogniser()
        self.embedder = FragileEmbedder()
        self.progress = Progress("test")
        self.slots = (
            ModelSlot[Detector]("speech", ModelSource("loudness", LoudnessDetector)),
            ModelSlot[Recogniser]("whisper", ModelSource("scripted", lambda: self.recogniser)),
            ModelSlot[Segmenter]("segmentation", ModelSource("pitch", PitchSegmenter)),
            ModelSlot[PartsEmbedder]("voices", ModelSource("pitch", lambda: self.embedder)),
        )
        speech, whisper, segmentation, voices = self.slots
        audio = AudioService(
            DirectDecoder(), WorkspaceRoom(), speech, ChunkLimits(seconds(60), seconds(10)), seconds(300)
        )
        recogniser = WhisperService(whisper, BatchSizes(encode=1, decode=1))
        stages = Stages(recogniser, ClusteringDiarizer(segmentation, voices))
        self.service = TranscriptionService(audio, LocalChunkRunner(stages))

    def close(self) -> None:
        for slot in self.slots:
            slot.close()

    def stream(
        self, recording: bytes, options: TranscriptionOptions, finished: Sequence[ChunkResult] = ()
    ) -> aclosing[AsyncGenerator[Event]]:
        upload = self.workspace / "upload"
        upload.write_bytes(recording)

        async def checkpoints(chunk: Chunk) -> ChunkResult | None:
            return next((result for result in finished if result.chunk == chunk), None)

        return aclosing(self.service.stream_file(upload, self.workspace, options, self.progress, checkpoints))

    async def events(
        self, recording: bytes, options: TranscriptionOptions, finished: Sequence[ChunkResult] = ()
    ) -> list[Event]:
        async with self.stream(recording, options, finished) as events:
            return [event async for event in events]

    def decoded_seconds(self) -> float:
        return (self.workspace / "audio.s16").stat().st_size / BYTES_PER_SAMPLE / seconds(1)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(tmp_path)) as pipeline:
        yield pipeline


def text_of(events: Sequence[Event]) -> str:
    settled = [segment for event in events if isinstance(event, Settled) for segment in event.segments]
    return "".join(segment.text for segment in settled).strip()


def results_of(events: Sequence[Event]) -> list[ChunkResult]:
    return [event for event in events if isinstance(event, ChunkResult)]


def finished(events: Sequence[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.mark.parametrize("options", [PLAIN, SPEAKERS])
async def test_events_add_up_to_the_transcript(pipeline: Pipeline, options: TranscriptionOptions) -> None:
    events = await pipeline.events(TALK, options)
    transcript = finished(events).transcript
    assert text_of(events) == transcript.text
    assert len(transcript.text.split()) == pytest.approx(240, abs=30)
    assert len(results_of(events)) > 4
    assert pipeline.progress.done == pipeline.progress.total == transcript.num_samples == seconds(LENGTH)
    pipeline.recogniser.batches.clear()
    upload = pipeline.workspace / "again"
    upload.write_bytes(TALK)
    assert (
        await pipeline.service.transcribe(upload, pipeline.workspace, options, pipeline.progress)
        == transcript
    )
    assert not upload.exists()


async def test_text_comes_while_the_rest_is_undecoded(pipeline: Pipeline) -> None:
    async with pipeline.stream(TALK, PLAIN) as events:
        first = await anext(events)
        assert isinstance(first, Settled)
        # Two chunks of a minute, the overlap, and a block of ten seconds in each of the two stages ahead.
        assert pipeline.decoded_seconds() <= 2 * 60 + 10 + 2 * 10.3
        assert len(pipeline.recogniser.batches) <= 2
        assert pipeline.progress.total == seconds(LENGTH)
    assert len(pipeline.recogniser.batches) <= 3


async def test_speakers_are_announced_chunk_by_chunk_under_labels_that_stay(pipeline: Pipeline) -> None:
    events = await pipeline.events(TALK, SPEAKERS)
    announced = [event for event in events if isinstance(event, Announced)]
    assert len(announced) > 3
    assert events.index(announced[0]) < len(events) / 2  # long before the end
    pieces = [(piece, event.labels[piece.speaker or 0]) for event in announced for piece in event.segments]
    transcript = finished(events).transcript
    assert [label for _, label in pieces] == [speaker_label(s.speaker or 0) for s in transcript.segments]
    assert [piece.text for piece, _ in pieces] == [segment.text for segment in transcript.segments]
    assert {label for _, label in pieces} == {"A", "B"}
    assert finished(events).speaker_map == {}


@pytest.mark.parametrize("options", [PLAIN, SPEAKERS])
async def test_a_run_cut_short_goes_on_at_the_first_unfinished_chunk(
    pipeline: Pipeline, options: TranscriptionOptions
) -> None:
    undisturbed = await pipeline.events(TALK, options)
    whole = len(pipeline.recogniser.batches)
    results = results_of(undisturbed)
    for count in (1, 3, len(results)):
        pipeline.recogniser.batches.clear()
        events = await pipeline.events(TALK, options, results[:count])
        assert finished(events) == finished(undisturbed)
        assert text_of(events) == text_of(undisturbed)
        assert results_of(events) == results
        assert len(pipeline.recogniser.batches) <= whole * (1 - count / len(results)) + 2
    assert pipeline.recogniser.batches == []


async def test_results_of_another_cutting_are_not_used(pipeline: Pipeline) -> None:
    undisturbed = await pipeline.events(TALK, PLAIN)
    first = results_of(undisturbed)[0]
    other = replace(first, segments=(), chunk=replace(first.chunk, stop=first.chunk.stop - 512))
    assert finished(await pipeline.events(TALK, PLAIN, [other])) == finished(undisturbed)


async def test_the_language_before_a_run_was_cut_short_holds_until_another_is_sure(
    pipeline: Pipeline,
) -> None:
    results = results_of(await pipeline.events(TALK, PLAIN))
    pipeline.recogniser.options.clear()
    in_german = replace(results[0], language="de")
    await pipeline.events(TALK, PLAIN, [in_german])
    assert {options.language for options in pipeline.recogniser.options} == {"de"}


async def test_closing_the_stream_stops_the_work(pipeline: Pipeline) -> None:
    async with pipeline.stream(TALK, SPEAKERS) as events:
        await anext(events)
    begun = len(pipeline.recogniser.batches)
    assert begun <= 3
    await pipeline.slots[1].run(lambda _: None)  # after all that was queued
    assert len(pipeline.recogniser.batches) == begun


async def test_speakers_that_cannot_be_told_apart_end_the_stream(pipeline: Pipeline) -> None:
    pipeline.embedder.fails = True
    with pytest.raises(ModelFailedError):
        await pipeline.events(TALK, SPEAKERS)
    assert len(pipeline.recogniser.batches) < 4


async def test_no_audio_is_refused_before_anything_happens(pipeline: Pipeline) -> None:
    with pytest.raises(InvalidAudioError):
        await pipeline.events(b"no audio", PLAIN)
    assert pipeline.recogniser.batches == []


def without_its_length(recording: bytes) -> bytes:
    """A WAV whose header leaves open how long it is, as of one that is written while it is recorded."""
    return recording[:4] + b"\xff" * 4 + recording[8:40] + b"\xff" * 4 + recording[44:]


@pytest.mark.parametrize("claims", [True, False])
async def test_too_long_a_recording_is_refused_before_any_of_it_is_heard(
    pipeline: Pipeline, claims: bool
) -> None:
    recording = wav(*([tone(100.0)] * 4))
    with pytest.raises(UploadTooLargeError):
        await pipeline.events(recording if claims else without_its_length(recording), PLAIN)
    assert pipeline.recogniser.batches == []


async def test_a_recording_shorter_than_it_claims_is_heard_to_its_end(pipeline: Pipeline) -> None:
    events = await pipeline.events(TALK[: len(TALK) * 3 // 4], PLAIN)
    assert finished(events).transcript.num_samples == pytest.approx(seconds(LENGTH * 3 / 4), abs=100)
    assert pipeline.progress.fraction == 1


async def test_the_count_of_speakers_holds_for_events_too(pipeline: Pipeline) -> None:
    options = replace(SPEAKERS, speakers=SpeakerCount(1, 1))
    events = await pipeline.events(TALK, options)
    assert {label for event in events if isinstance(event, Announced) for label in event.labels} == {"A"}
