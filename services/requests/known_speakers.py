"""Resolves the known speakers of a request to voices, before the recording is transcribed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from options import TranscriptionOptions
from services.voices.enrolment import NO_KNOWN_SPEAKERS, KnownSpeakers, SpeakerService


async def with_known_voices(
    options: TranscriptionOptions,
    known: KnownSpeakers,
    speakers: SpeakerService,
    owner: str,
    workspace: Path,
) -> TranscriptionOptions:
    """The options with the voices of `known`.

    Raises InvalidRequestError for a clip without a usable voice.
    """
    if known == NO_KNOWN_SPEAKERS:
        return options
    return replace(options, known=await speakers.known(known, owner, workspace))
