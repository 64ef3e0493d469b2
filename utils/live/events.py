"""What happens in a live session, in the order in which its client is told. Samples count all audio that the
session was sent, at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from exceptions import TranscriptionServerError
from models import Segment, TokenCounts

NO_TOKENS = TokenCounts()


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The turn `item_id` begins; `start` includes its padding."""

    item_id: str
    start: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """`stop` includes the silence that ended the turn."""

    item_id: str
    stop: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The audio of a turn is complete: TurnCompleted or TurnFailed will follow, in the order of the turns."""

    item_id: str
    previous_id: str | None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was not committed is dropped."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """`text` continues the settled text of the turn, with its leading space, and is never taken back.
    `interim`, the unsettled text after it, is replaced by that of the next delta; None unless requested."""

    item_id: str
    text: str
    interim: str | None = None


@dataclass(frozen=True, slots=True)
class SpeakerSegment:
    """Words of one speaker, labelled. With a `segment_id` that was sent before, it replaces that one."""

    item_id: str
    segment_id: str
    start: int
    stop: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """The transcript of a turn, empty if nobody said a word; `num_samples` is the length of its audio.
    `labels` has the label of each speaker number in `segments`."""

    item_id: str
    text: str
    segments: tuple[Segment, ...] = ()
    labels: tuple[str, ...] = ()
    counts: TokenCounts = NO_TOKENS
    num_samples: int = 0
    languages: tuple[str, ...] = ()  # the most spoken first


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """This turn has no transcript; the session goes on."""

    item_id: str
    error: TranscriptionServerError


LiveEvent: TypeAlias = (
    SpeechStarted
    | SpeechStopped
    | Committed
    | Cleared
    | TextDelta
    | SpeakerSegment
    | TurnCompleted
    | TurnFailed
)
