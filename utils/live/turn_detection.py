"""Where turns begin and end, frame by frame. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from models import seconds
from options import SemanticVad, ServerVad, TurnDetection
from utils.speech.speech_map import FRAME
from utils.speech.speech_windows import HYSTERESIS
from utils.words.sentences import CLOSERS, SENTENCE_ENDS

MIN_SPEECH = 3  # frames from which a sound is a turn: a click is shorter, the shortest words are not
SUSPICION = seconds(0.2)  # of silence, after which the turn may have ended
BETWEEN_PARTS = ServerVad(silence=seconds(1))  # of a turn that the client commits
UNFINISHED = ("...", "…")
AFTER_SENTENCE = seconds(0.3)  # of silence, after the end of a sentence
AFTER_WORDS = seconds(1)  # after words that only lack the mark


@dataclass(frozen=True, slots=True)
class Began:
    """Speech began at sample `start`."""

    start: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Speech has stopped at sample `stop`, perhaps for good."""

    stop: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """After a pause."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The silence after sample `stop` has ended the turn."""

    stop: int


TurnChange: TypeAlias = Began | Paused | Resumed | Ended


class TurnDetector:
    """A state machine over the speech probabilities of frames, with Silero's hysteresis. `silence` ends a
    turn; it may be set while a turn is open, and each new stretch of speech sets it back."""

    def __init__(self, rules: TurnDetection, frame: int = 0) -> None:
        """`frame` is the number of the next one in the stream."""
        rules = rules or BETWEEN_PARTS
        threshold = rules.threshold if isinstance(rules, ServerVad) else ServerVad().threshold
        self._onset, self._offset = threshold, max(threshold - HYSTERESIS, 0.01)
        self._silence = rules.longest if isinstance(rules, SemanticVad) else rules.silence
        self.silence = self._silence
        self._frame = frame
        self._loud = 0  # frames of speech before a turn has begun
        self._is_open = False
        self._quiet_since: int | None = None  # the first frame of silence in an open turn
        self._is_paused = False

    @property
    def heard(self) -> int:
        """The sample up to which the stream was heard."""
        return self._frame * FRAME

    def feed(self, probability: float) -> TurnChange | None:
        """What the next frame changes."""
        frame = self._frame
        self._frame += 1
        if not self._is_open:
            return self._wait(frame, probability)
        if probability >= self._onset:
            self._quiet_since = None
            if self._is_paused:
                self._is_paused, self.silence = False, self._silence
                return Resumed()
        elif self._quiet_since is not None or probability < self._offset:
            self._quiet_since = frame if self._quiet_since is None else self._quiet_since
            return self._count_silence(self._quiet_since * FRAME, (frame + 1) * FRAME)
        return None

    def close(self) -> None:
        """The turn has ended for another reason."""
        self._is_open = self._is_paused = False
        self._loud, self._quiet_since, self.silence = 0, None, self._silence

    def _wait(self, frame: int, probability: float) -> Began | None:
        if probability >= self._onset:
            self._loud += 1
        elif probability < self._offset:
            self._loud = 0
        if self._loud < MIN_SPEECH:
            return None
        self._is_open = True
        return Began((frame + 1 - self._loud) * FRAME)

    def _count_silence(self, stop: int, now: int) -> Paused | Ended | None:
        if now - stop >= self.silence:
            self.close()
            return Ended(stop)
        if not self._is_paused and now - stop >= min(SUSPICION, self.silence // 2):
            self._is_paused = True
            return Paused(stop)
        return None


def semantic_silence(text: str, longest: int) -> int:
    """The silence that ends a turn whose words so far are `text`: short after the end of a sentence, longer
    where only a mark is missing, `longest` after a comma, a dash or nothing."""
    bare = text.rstrip().rstrip(CLOSERS)
    if bare.endswith(SENTENCE_ENDS) and not bare.endswith(UNFINISHED):
        return min(AFTER_SENTENCE, longest)
    return min(AFTER_WORDS, longest) if bare[-1:].isalnum() else longest
