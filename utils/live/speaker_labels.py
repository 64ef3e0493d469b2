"""Labels of the speakers of a live session: letters by first appearance, and names of known voices. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from models import SAMPLE_RATE, KnownVoices, Voice
from utils.speakers.labels import unused_letter
from utils.speakers.voice_matching import match_voices

NAMEABLE = 3 * SAMPLE_RATE  # of speech, from which a voice is compared with the known ones


class SpeakerLabels:
    """A label stays, except that a letter becomes a name once."""

    def __init__(self, known: KnownVoices) -> None:
        self._known = known
        self._letters: dict[int, str] = {}
        self._taken = {voice.name for voice in known.voices}
        self._named: dict[int, str] = {}

    def hear(self, voices: Iterable[Voice]) -> None:
        """Compare the voices of the session so far, once told, with the known ones."""
        heard = sorted(voices, key=lambda voice: voice.speaker)
        enough = {
            voice.speaker: voice.embedding
            for voice in heard
            if voice.num_samples >= NAMEABLE and voice.speaker not in self._named
        }
        free = tuple(voice for voice in self._known.voices if voice.name not in self._named.values())
        self._named |= match_voices(enough, KnownVoices(free, self._known.threshold))

    def label(self, number: int) -> str:
        """Of the speaker with this number. Letters are given in the order in which they are asked for."""
        if number in self._named:
            return self._named[number]
        if number not in self._letters:
            self._letters[number] = unused_letter(self._taken)
            self._taken.add(self._letters[number])
        return self._letters[number]
