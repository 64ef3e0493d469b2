"""The voices that a request names, found before the recording is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services.requests.parameters import TranscriptionRequest
from services.voices.enrolment import NOBODY, SpeakerService


async def with_known_speakers(
    asked: TranscriptionRequest, speakers: SpeakerService, owner: str, workspace: Path
) -> TranscriptionRequest:
    """The request with the voices in its options, and without the clips that they were taken from.

    Raises InvalidRequestError for a clip that no voice can be taken from.
    """
    if asked.known == NOBODY:
        return asked
    known = await speakers.known(asked.known, owner, workspace)
    return replace(asked, known=NOBODY, options=replace(asked.options, known=known))
