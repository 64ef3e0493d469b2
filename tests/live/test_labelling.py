"""The words of a live session get speakers while they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from exceptions import ModelFailedError
from models import SAMPLE_RATE
from options import DecodeOptions, LiveOptions
from seams import EncodedWindow
from services.diarization_service import ClusteringDiarizer
from tests.fakes import PitchEmbedder, PitchSegmenter, Rows, ScriptedRecogniser
from tests.live.live_sessions import SIXTEEN, Talker, live_session
from utils.live.events import SpeakerSegment, SpeechStopped, TextDelta, TurnCompleted, TurnFailed
from utils.model_manager import ModelManager, ModelSource

DIARIZED = LiveOptions(audio=SIXTEEN, diarize=True)
LOW, HIGH = 300, 700


def told(talker: Talker) -> list[str]:
    return [f"{segment.speaker}:{segment.text}" for segment in talker.of(SpeakerSegment)]


async def test_speakers_keep_their_labels_from_turn_to_turn() -> None:
    async with live_session(DIARIZED) as talker:
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await talker.talk(4, hertz)
            await talker.pause(1)
            await talker.until(TurnCompleted, number + 1)
        speakers = [segment.speaker for segment in talker.of(SpeakerSegment)]
        assert list(dict.fromkeys(speakers)) == ["A", "B"]
        by_turn = [
            {s.speaker for s in talker.of(SpeakerSegment) if s.item_id == turn.item_id}
            for turn in talker.of(TurnCompleted)
        ]
        assert by_turn == [{"A"}, {"B"}, {"A"}]


async def test_a_turn_may_have_two_speakers() -> None:
    async with live_session(DIARIZED) as talker:
        await talker.talk(6, LOW)
        await talker.pause(0.3)
        await talker.talk(6, HIGH)
        await talker.pause(1)
        (turn,) = await talker.until(TurnCompleted)
        found = [(turn.labels[s.speaker], s.text) for s in turn.segments if s.speaker is not None]
        assert [label for label, _ in found] == ["A", "B"]
        assert "".join(text for _, text in found).split() == ["w"] * 12
        assert " ".join(piece.partition(":")[2] for piece in told(talker)).split() == ["w"] * 12
        assert list(dict.fromkeys(piece[0] for piece in told(talker))) == ["A", "B"]


async def test_segments_are_told_while_a_turn_is_spoken() -> None:
    async with live_session(DIARIZED) as talker:
        for _ in range(8):
            await talker.talk(1)
            await talker.settle()
        assert talker.of(SpeakerSegment)
        assert not talker.of(SpeechStopped)


async def test_segments_come_before_the_transcript_and_have_ids_of_their_own() -> None:
    async with live_session(DIARIZED) as talker:
        await talker.talk(5)
        await talker.pause(1)
        await talker.until(TurnCompleted)
        assert isinstance(talker.events[-1], TurnCompleted)
        ids = [segment.segment_id for segment in talker.of(SpeakerSegment)]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("seconds", [5, 40])
async def test_speakers_may_be_asked_for_later(seconds: float) -> None:
    async with live_session(replace(DIARIZED, diarize=False)) as talker:
        await talker.talk(2)
        await talker.pause(seconds)
        await talker.until(TurnCompleted)
        assert not talker.of(SpeakerSegment)
        talker.session.update(DIARIZED)
        await talker.talk(4)
        await talker.pause(1)
        await talker.until(TurnCompleted, 2)
        assert {segment.speaker for segment in talker.of(SpeakerSegment)} == {"A"}


async def test_nothing_is_told_of_a_turn_that_has_failed() -> None:
    class Failing(ScriptedRecogniser):
        def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
            if options[0].beam_size != 1:
                raise ModelFailedError("out of memory")

    async with live_session(DIARIZED, Failing()) as talker:
        await talker.talk(1.5)
        await talker.talk_until(TextDelta)
        await talker.pause(1)
        (failed,) = await talker.until(TurnFailed)
        await talker.talk(4)
        await talker.settle()
        after = talker.events[talker.events.index(failed) :]
        assert not [e for e in after if isinstance(e, SpeakerSegment) and e.item_id == failed.item_id]
        assert len(talker.session._speakers._tracking._labelling) == 1  # type: ignore[union-attr]


async def test_a_diarizer_that_fails_costs_no_words_and_no_memory() -> None:
    class Broken(PitchSegmenter):
        is_broken = True

        def segment(self, windows: Rows) -> Rows:
            if self.is_broken:
                raise RuntimeError("the network is broken")
            return super().segment(windows)

    def broken(models: ModelManager) -> ClusteringDiarizer:
        return ClusteringDiarizer(
            models.add("segmentation", ModelSource("broken", Broken)),
            models.add("voices", ModelSource("pitch", PitchEmbedder)),
        )

    async with live_session(DIARIZED, diarizer=broken) as talker:
        await talker.talk(4)
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text == "w w w w"
        await talker.session.append(bytes(2 * 600 * SAMPLE_RATE))
        kept = talker.session._source.audio
        assert kept.stop - kept.start < 210 * SAMPLE_RATE
        Broken.is_broken = False
        talker.clock.now += 600
        await talker.talk(6)
        await talker.pause(1)
        await talker.until(TurnCompleted, 2)
        spoken = talker.of(SpeakerSegment)
        assert " ".join(segment.text for segment in spoken).split() == ["w"] * 6
        assert spoken[0].start > 604 * SAMPLE_RATE


async def test_words_of_a_long_turn_keep_the_speakers_that_were_told() -> None:
    async with live_session(DIARIZED) as talker:
        for hertz in (LOW, HIGH) * 8:
            await talker.talk(12, hertz)
            await talker.pause(0.3)
            await talker.settle()
        await talker.pause(1)
        (turn,) = await talker.until(TurnCompleted)
        assert all(word.speaker is not None for segment in turn.segments for word in segment.words)
