"""The voices that a request names, found before the recording is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models import KnownVoices
from routes.parameters import TranscriptionRequest
from services.voice_service import VoiceService


async def with_known_speakers(
    asked: TranscriptionRequest, voices: VoiceService | None, workspace: Path
) -> TranscriptionRequest:
    """The request with the voices of its clips in its options, and without the clips.

    Raises InvalidRequestError for a clip that no voice can be taken from.
    """
    if voices is None or not asked.references:
        return asked
    known = KnownVoices(await voices.of_references(asked.references, workspace), voices.threshold)
    return replace(asked, references=(), options=replace(asked.options, known=known))
