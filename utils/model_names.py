"""The names of the hosted API's models, and of OpenAI's published Whisper models."""

from __future__ import annotations

import re

HOSTED = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
)
LIVE = ("gpt-live-transcribe", "gpt-realtime-whisper")
"""Hosted for live sessions only, where they leave turns to the client."""
SNAPSHOT = re.compile(r"gpt-[a-z0-9-]{0,20}transcribe(-[a-z0-9-]{1,30})?")  # dated names of the hosted models

# Model sizes of faster-whisper.
SIZES = (
    "tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium",
    "large-v1", "large-v2", "large-v3", "large", "distil-large-v2", "distil-medium.en", "distil-small.en",
    "distil-large-v3", "distil-large-v3.5", "large-v3-turbo", "turbo",
)  # fmt: skip
RENAMED = {
    "large": "large-v3",
    "turbo": "large-v3-turbo",
    "distil-large-v3-en": "distil-large-v3",  # at Groq
}
OWNERS = "openai|systran|guillaumekln|distil-whisper|mobiuslabsgmbh|dropbox-dash|deepdml"
"""Those who publish the weights on the Hub, original or converted."""
PUBLISHED = re.compile(
    rf"(?:(?:{OWNERS})/)?(?:faster-)?(distil-)?(?:whisper-)?([a-z0-9.-]{{1,40}}?)(?:-ct2)?"
)


def hosted_name(model: str) -> str | None:
    """The name of the hosted API that `model` is, with or without `openai/`; None for any other model."""
    name = model.lower().removeprefix("openai/")
    return name if name in HOSTED or name in LIVE or SNAPSHOT.fullmatch(name) else None


def published_size(model: str) -> str | None:
    """The size of the published Whisper that `model` names: `base` for `base`, `whisper-base`,
    `openai/whisper-base` and `Systran/faster-whisper-base`; None for any other model."""
    name = model.lower()
    if name == "openai/whisper-large":  # the first of its size; elsewhere `large` is the newest
        return "large-v1"
    if (found := PUBLISHED.fullmatch(name)) is None:
        return None
    size = (found[1] or "") + found[2]
    size = RENAMED.get(size, size)
    return size if size in SIZES else None
