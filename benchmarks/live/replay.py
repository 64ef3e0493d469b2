"""Plays a recording to the speakers of a live session in virtual time, and remembers what was told when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models import NO_KNOWN_VOICES, SAMPLE_RATE, Audio, SpeakerTurn
from options import ServerVad, SpeakerCount
from services.diarization_service import Diarizer
from services.live.speakers import LiveSpeakers
from utils.live.turn_detection import Ended, TurnDetector
from utils.speech.speech_map import FRAME, SURE, SpeechMap

TICK = 4 * FRAME
CELL = SAMPLE_RATE // 100


@dataclass(slots=True)
class Replay:
    """`turns` as first told; `cpu` seconds for a second of sound; `lags`, in samples, of each frame of
    speech; `changed`, the share of what was told that later evidence contradicts."""

    turns: Sequence[SpeakerTurn] = ()
    num_speakers: int = 0
    cpu: float = 0.0
    changed: float = 0.0
    lags: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


async def play(audio: Audio, speech: SpeechMap, diarizer: Diarizer) -> Replay:
    """`audio` and `speech` are whole frames."""
    speakers = LiveSpeakers(
        diarizer, lambda span: audio[span.start : span.stop], SpeakerCount(), NO_KNOWN_VOICES
    )
    detector = TurnDetector(ServerVad())
    told: dict[tuple[int, int], SpeakerTurn] = {}
    now: list[SpeakerTurn] = []  # the recording as told apart last
    moments = np.zeros(len(speech.probabilities), np.int64)  # when each frame was told
    seconds = 0.0
    for first in range(0, len(audio), TICK):
        until = min(first + TICK, len(audio))
        new = speech.probabilities[first // FRAME : until // FRAME]
        is_end = any(isinstance(detector.feed(float(one)), Ended) for one in new) or until == len(audio)
        before, began = speakers.settled_until, time.process_time()
        await speakers.advance(_recent(speech, speakers.needs_from, until), until, is_end)
        seconds += time.process_time() - began
        if speakers.settled_until > before:
            told |= {(turn.start, turn.speaker): turn for turn in speakers.turns}
            moments[before // FRAME : speakers.settled_until // FRAME] = until
            now = _continued(now, speakers.latest_turns)
    turns = sorted(told.values(), key=lambda turn: turn.start)
    spoken = speech.probabilities >= SURE
    lags = moments - FRAME * np.arange(len(moments))
    number = len({turn.speaker for turn in now})
    share = _contradicted(turns, now, len(audio))
    return Replay(turns, number, seconds * SAMPLE_RATE / len(audio), share, lags[spoken & (moments > 0)])


def _recent(speech: SpeechMap, start: int, until: int) -> SpeechMap:
    first, last = start // FRAME, until // FRAME
    return SpeechMap(first * FRAME, (last - first) * FRAME, speech.probabilities[first:last])


def _continued(before: Sequence[SpeakerTurn], latest: Sequence[SpeakerTurn]) -> list[SpeakerTurn]:
    """The turns of earlier chunks, then those of the open one."""
    start = min((turn.start for turn in latest), default=0)
    return [turn for turn in before if turn.stop <= start] + list(latest)


def _contradicted(told: Sequence[SpeakerTurn], now: Sequence[SpeakerTurn], num_samples: int) -> float:
    """The share of the time told to a speaker in which somebody else now speaks, and not that speaker."""
    number = 1 + max((turn.speaker for turn in (*told, *now)), default=0)
    then, later = (_activity(turns, number, num_samples) for turns in (told, now))
    wrong = then & ~later & later.any(axis=0)
    return float(wrong.sum() / max(then.sum(), 1))


def _activity(turns: Sequence[SpeakerTurn], number: int, num_samples: int) -> npt.NDArray[np.bool_]:
    talks = np.zeros((number, num_samples // CELL + 1), np.bool_)
    for turn in turns:
        talks[turn.speaker, turn.start // CELL : turn.stop // CELL] = True
    return talks
