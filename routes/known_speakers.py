"""The voices that a request names, found before the recording is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models import KnownVoices
from routes.parameters import TranscriptionRequest
from routes.state import ServerState


async def with_known_speakers(
    asked: TranscriptionRequest, state: ServerState, workspace: Path
) -> TranscriptionRequest:
    """The request with the voices of its clips in its options, and without the clips.

    Raises InvalidRequestError for a clip that no voice can be taken from.
    """
    if state.voices is None or not asked.references:
        return asked
    voices = await state.voices.of_references(asked.references, workspace)
    known = KnownVoices(voices, state.voices.threshold)
    return replace(asked, references=(), options=replace(asked.options, known=known))
