"""The session object of the beta API, whose fields are flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routes.realtime.dialect import OBJECT, Dialect, SessionView
from routes.realtime.ga_session import include, noise_reduction, stored, transcription, turn_detection

FLAT = {
    "input_audio_format": "format",
    "input_audio_noise_reduction": "noise_reduction",
    "input_audio_transcription": "transcription",
    "turn_detection": "turn_detection",
}
"""To the names within `audio.input` of the current API."""
MARKS = frozenset(FLAT) | {"modalities", "output_audio_format"}
FORMATS: dict[str, dict[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
NAMES = {settings["type"]: name for name, settings in FORMATS.items()}


def is_flat(session: Mapping[str, Any]) -> bool:
    """Whether the session of a `session.update` is spelt as in the beta, as old samples of others do."""
    return "audio" not in session and not MARKS.isdisjoint(session)


def changes(session: Mapping[str, Any]) -> dict[str, Any]:
    nested = {name: session[flat] for flat, name in FLAT.items() if flat in session}
    if isinstance(name := nested.get("format"), str):
        nested["format"] = FORMATS.get(name, {"type": name})
    kept = {name: session[name] for name in ("include", "store") if name in session}
    return kept | {"audio": {"input": nested}}


def session_object(view: SessionView) -> dict[str, Any]:
    settings = view.request.settings
    session = {
        "id": view.id,
        "object": OBJECT,
        "expires_at": view.expires_at,
        "client_secret": None,  # sent once, in the answer to the request that made it
        "modalities": ["text"],
        "include": include(settings),
        "input_audio_format": NAMES[settings.input.format.type],
        "input_audio_noise_reduction": noise_reduction(settings.input.noise_reduction),
        "input_audio_transcription": transcription(settings),
        "turn_detection": turn_detection(settings),
    }
    return session | stored(view)


def _param(name: str) -> str:
    inner = name.removeprefix("audio.input.")
    for flat, nested in FLAT.items():
        if inner == nested or inner.startswith(f"{nested}."):
            return "session." + (flat if nested == "format" else flat + inner.removeprefix(nested))
    return f"session.{inner}"


BETA = Dialect(
    created="transcription_session.created",
    item_events=("conversation.item.created",),
    changes=changes,
    session=session_object,
    param=_param,
)
