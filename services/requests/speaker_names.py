"""The names and clips of known speakers, as a request sends them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from exceptions import InvalidRequestError
from services.voices.clips import SpeakerReference

MAX_REFERENCES = 4  # as in the hosted API
MAX_NAME = 64  # characters
FORBIDDEN = ("Cc", "Cs", "Zl", "Zp")  # control characters, surrogates, line and paragraph separators


def _one_line(name: str) -> str:
    if any(unicodedata.category(character) in FORBIDDEN for character in name):
        raise ValueError("a name must be one line without control characters")
    return name


SpeakerName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME),
    AfterValidator(_one_line),
]
"""Shown in subtitles, where a line break would end a cue."""


def speaker_references(names: Sequence[str], urls: Sequence[str]) -> tuple[SpeakerReference, ...]:
    """Names with their clips. Raises InvalidRequestError."""
    if len(set(names)) < len(names):
        raise InvalidRequestError(
            "'known_speaker_names' contains a name twice; send one reference for each name.",
            param="known_speaker_names",
        )
    if len(names) != len(urls):
        raise InvalidRequestError(
            f"There are {len(names)} known_speaker_names and {len(urls)} known_speaker_references; "
            "send one reference for each name.",
            param="known_speaker_references" if len(urls) < len(names) else "known_speaker_names",
        )
    return tuple(SpeakerReference(name, url) for name, url in zip(names, urls, strict=True))
