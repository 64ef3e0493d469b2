"""The audio track of a recording that has several, chosen by its number or its language."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from utils.words.languages import language_tag, means_any

MAX_TRACK = 100
TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8}){0,4}")


def _track(sent: object) -> int | str | None:
    """Text from a form: a number from 1, a language as `language_tag` writes it, or None for `auto`. Raises
    ValueError."""
    given = str(sent)
    if means_any(given):
        return None
    if given.isascii() and given.isdigit() and 1 <= len(given) <= len(str(MAX_TRACK)):
        if 1 <= (number := int(given)) <= MAX_TRACK:
            return number
    elif TAG.fullmatch(tag := language_tag(given)):
        return tag
    raise ValueError(
        f"send a number from 1 to {MAX_TRACK}, the first track being 1, or a language such as 'en'"
    )


AudioTrack = Annotated[int | str | None, BeforeValidator(_track)]
"""An int counts the audio tracks from 1; a str is a language."""
