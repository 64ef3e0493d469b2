"""The items of a session, one for each turn, as far as they are remembered."""

from __future__ import annotations

from typing import Any

from utils.live.events import (
    Cleared,
    Committed,
    LiveEvent,
    SpeechStarted,
    TextDelta,
    TurnCompleted,
    TurnFailed,
)

MAX_ITEMS = 50  # that can be retrieved, the latest


class Items:
    """Transcripts of the latest items, and which turns have begun and have not been answered."""

    def __init__(self) -> None:
        self._transcripts: dict[str, str | None] = {}
        self._unanswered: set[str] = set()

    @property
    def has_unanswered(self) -> bool:
        return bool(self._unanswered)

    def note(self, event: LiveEvent) -> None:
        match event:
            case SpeechStarted(item_id) | TextDelta(item_id):
                self._unanswered.add(item_id)
            case Committed(item_id):
                self._unanswered.add(item_id)
                self._transcripts[item_id] = None
                if len(self._transcripts) > MAX_ITEMS:
                    del self._transcripts[next(iter(self._transcripts))]
            case TurnCompleted(item_id, text):
                self._unanswered.discard(item_id)
                if item_id in self._transcripts:
                    self._transcripts[item_id] = text
            case TurnFailed(item_id):
                self._unanswered.discard(item_id)
            case Cleared():
                self._unanswered = {item for item in self._unanswered if item in self._transcripts}

    def find(self, item_id: object) -> dict[str, Any] | None:
        if not isinstance(item_id, str) or item_id not in self._transcripts:
            return None
        return item_object(item_id, self._transcripts[item_id])

    def delete(self, item_id: object) -> None:
        if isinstance(item_id, str):
            self._transcripts.pop(item_id, None)


def item_object(item_id: str, transcript: str | None = None) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": transcript}],
    }
