"""Chooses which audio track of a file to transcribe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exceptions import InvalidAudioError, InvalidRequestError


@dataclass(frozen=True, slots=True)
class Track:
    """An audio stream: its number, counted from 1 among them, and what the container says of it."""

    number: int
    codec: str
    language: str | None  # as by `language_tag`
    is_default: bool
    is_secondary: bool  # a commentary, or a version for people who see or hear less
    can_decode: bool


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """What the request says: a track by number or language, or only the language that is spoken."""

    track: int | str | None = None
    language: str | None = None


ANY_TRACK = TrackChoice()


def preferred(tracks: Sequence[Track], choice: TrackChoice) -> list[Track]:
    """The tracks to try, best first; one if the request names it.

    Raises InvalidRequestError if the named one does not exist, InvalidAudioError if none can be decoded.
    """
    if not tracks:
        raise InvalidAudioError("The file has no audio stream.")
    candidates = [track for track in tracks if choice.track is None or _is_named(track, choice.track)]
    if not candidates:
        raise InvalidRequestError(
            f"The file has no such audio track; it has {_listed(tracks)}.", param="audio_track"
        )
    decodable = [track for track in candidates if track.can_decode]
    if not decodable:
        codecs = ", ".join(sorted({track.codec for track in candidates}))
        raise InvalidAudioError(f"There is no decoder here for the audio of this file ({codecs}).")
    matching = [track for track in decodable if choice.language and _speaks(track, choice.language)]
    spoken = matching[0] if len(matching) == 1 else None
    return sorted(
        decodable,
        key=lambda track: (track is not spoken, not track.is_default, track.is_secondary, track.number),
    )[: 1 if choice.track is not None else None]


def _is_named(track: Track, name: int | str) -> bool:
    return track.number == name if isinstance(name, int) else _speaks(track, name)


def _speaks(track: Track, language: str) -> bool:
    """Without a region, a language is any of its regions."""
    tag = track.language or ""
    return tag == language or tag.split("-")[0] == language


def _listed(tracks: Sequence[Track]) -> str:
    return ", ".join(f"{track.number}{f' ({track.language})' if track.language else ''}" for track in tracks)
