"""The session object of the current API."""

from __future__ import annotations

from typing import Any

from routes.realtime.dialect import OBJECT, Dialect, SessionView
from services.requests.live_settings import LOGPROBS, AudioFormat, LiveSettings, NoiseReduction

VAD_FIELDS = {
    "server_vad": ("threshold", "prefix_padding_ms", "silence_duration_ms"),
    "semantic_vad": ("eagerness",),
}
SHOWN_FIELDS = ("idle_timeout_ms", "create_response", "interrupt_response")


def session_object(view: SessionView) -> dict[str, Any]:
    """The whole effective session, with `transcription_id` if it will be stored."""
    settings = view.request.settings
    session = {
        "id": view.id,
        "object": OBJECT,
        "type": "transcription",
        "expires_at": view.expires_at,
        "include": include(settings),
        "audio": {
            "input": {
                "format": _format(settings.input.format),
                "noise_reduction": noise_reduction(settings.input.noise_reduction),
                "transcription": transcription(settings),
                "turn_detection": turn_detection(settings),
            }
        },
    }
    return session | stored(view)


def stored(view: SessionView) -> dict[str, Any]:
    """An extension: only where it was asked for."""
    if not view.request.settings.store:
        return {}
    return {"store": True, "transcription_id": view.stored_as}


def include(settings: LiveSettings) -> list[str] | None:
    return [LOGPROBS] if LOGPROBS in settings.include else None


def noise_reduction(settings: NoiseReduction | None) -> dict[str, Any] | None:
    return settings.model_dump(exclude_none=True) if settings else None


def transcription(settings: LiveSettings) -> dict[str, Any] | None:
    """Null where nothing was set: then the server's own model transcribes."""
    asked = settings.input.transcription
    if asked is None:
        return None
    first = {"model": asked.model, "language": asked.language, "prompt": asked.prompt}
    return first | asked.model_dump(mode="json", exclude_unset=True)


def turn_detection(settings: LiveSettings) -> dict[str, Any] | None:
    chosen = settings.turn_detection
    if chosen is None:
        return None
    shown = [name for name in SHOWN_FIELDS if getattr(chosen, name) is not None]
    names = ("type", *VAD_FIELDS[chosen.type], *shown)
    return {name: getattr(chosen, name) for name in names}


def _format(settings: AudioFormat) -> dict[str, Any]:
    return settings.model_dump(exclude=None if settings.type == "audio/pcm" else {"rate"})


GA = Dialect(
    created="session.created",
    item_events=("conversation.item.added", "conversation.item.done"),
    changes=lambda session: session,
    session=session_object,
    param=lambda name: f"session.{name}",
)
