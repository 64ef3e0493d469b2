"""What a live session told, and when, from its events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.alignment import EQUAL, align
from benchmarks.live.player import TRANSCRIPTION, Received
from benchmarks.text_scores import normalise

FINAL_SECONDS = 0.05  # before `completed`: a delta that comes then is the rest of the final text


@dataclass(frozen=True, slots=True)
class Told:
    """A normalised word, and when it was told for good, in seconds since the first sample."""

    word: str
    at: float


@dataclass(slots=True)
class LiveTurn:
    """Times in seconds: `start` and `stop` of the audio, the others of the events."""

    start: float
    stop: float = 0.0
    first_sign_at: float | None = None  # settled or not
    stopped_at: float = 0.0
    completed_at: float = 0.0
    transcript: str = ""
    deltas: list[tuple[float, str]] = field(default_factory=list)


def live_turns(received: Iterable[Received]) -> list[LiveTurn]:
    """In the order in which they began; those that failed are empty."""
    turns: dict[str, LiveTurn] = {}
    for each in received:
        event, at = each.event, each.at
        if event["type"] == "input_audio_buffer.speech_started":
            turns[event["item_id"]] = LiveTurn(event["audio_start_ms"] / 1000)
            continue
        if event.get("item_id") not in turns:
            continue
        turn = turns[event["item_id"]]
        match event["type"].removeprefix(f"{TRANSCRIPTION}."):
            case "input_audio_buffer.speech_stopped":
                turn.stop, turn.stopped_at = event["audio_end_ms"] / 1000, at
            case "delta":
                turn.deltas.append((at, event["delta"]))
                if turn.first_sign_at is None and (event["delta"] or event.get("interim")):
                    turn.first_sign_at = at
            case "completed":
                turn.transcript, turn.completed_at = event["transcript"], at
            case "failed":
                turn.completed_at = at
    return list(turns.values())


def told_words(turns: Iterable[LiveTurn], language: str) -> list[Told]:
    """The words of the transcripts. One that a delta told first was told then, all others at the end."""
    found: list[Told] = []
    for turn in turns:
        final = words_of(turn.transcript, language)
        early = early_words(turn, language)
        at = {
            index: early[other].at
            for kind, index, other in align(final, [told.word for told in early])
            if kind == EQUAL
        }
        found += [Told(word, at.get(index, turn.completed_at)) for index, word in enumerate(final)]
    return found


def changed_words(turns: Iterable[LiveTurn], language: str) -> tuple[int, int]:
    """Of the words told before the end of their turns, those that its transcript does not have, and all."""
    changed = total = 0
    for turn in turns:
        early = [told.word for told in early_words(turn, language)]
        kinds = [kind for kind, *_ in align(words_of(turn.transcript, language), early)]
        total += len(early)
        changed += len(early) - kinds.count(EQUAL)
    return changed, total


def early_words(turn: LiveTurn, language: str) -> list[Told]:
    """Those of deltas before the end; a delta holds whole words."""
    early = [(at, text) for at, text in turn.deltas if at < turn.completed_at - FINAL_SECONDS]
    found: list[Told] = []
    for at, text in early:
        found += [Told(word, at) for word in words_of(text, language)]
    return found


def words_of(text: str, language: str) -> Sequence[str]:
    """Each normalised by itself, since what is normalised together may be told at different times."""
    return [part for word in text.split() for part in normalise(word, language).split()]
