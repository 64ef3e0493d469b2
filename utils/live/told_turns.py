"""Turns of a live session as they are told: a turn that was told keeps its speaker. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from models import SAMPLE_RATE, ChunkSpeakers, SpeakerTurn, Voice
from options import SpeakerCount
from utils.numeric.best_pairs import best_pairs
from utils.speakers.activity import shared_time, speaking_time
from utils.speakers.embedding import unpack
from utils.transcript.running_labels import link_chunk, with_chunk

OWN_VOICE = SAMPLE_RATE  # of speech, without which nobody is told to be a further speaker
UNCLEAR = 2 * SAMPLE_RATE  # of a turn, within which it is told only if it is over
NEW = -1
ANY = SpeakerCount()


class ToldTurns:
    """Continues the speakers of an open chunk, which is told apart again and again, in numbers of the session
    from 0 in order of first appearance."""

    def __init__(self, maximum: int | None) -> None:
        self._maximum = maximum
        self._number = 0  # of speakers
        self._closed = ChunkSpeakers()  # the speakers of the chunks before
        self._told: list[SpeakerTurn] = []
        self.until = 0
        """The sample up to which turns are told."""
        self.latest: tuple[SpeakerTurn, ...] = ()
        """The turns of the open chunk as told apart last, which may contradict what was told."""
        self.voices: tuple[Voice, ...] = ()
        """The speakers of the session so far."""

    @property
    def turns(self) -> Sequence[SpeakerTurn]:
        """As first told, those of one speaker disjoint; only from the start of the open chunk on."""
        return tuple(self._told)

    def tell(self, chunk: ChunkSpeakers, until: int) -> None:
        """Tell the turns up to `until` that are not told yet, from the open chunk told apart again; where a
        speaker has only begun, up to there, since little of a voice is easily taken for another."""
        begun = (turn.start for turn in chunk.turns if until - UNCLEAR < turn.start < until < turn.stop)
        until = max(self.until, min(begun, default=until))
        numbers = self._continued(chunk, until)
        known = replace(
            chunk,
            turns=tuple(turn for turn in chunk.turns if turn.speaker in numbers),
            voices=tuple(voice for voice in chunk.voices if voice.speaker in numbers),
        )
        session = with_chunk(self._closed, known, numbers)
        self.latest, self.voices = session.turns, session.voices
        for turn in self.latest:
            if turn.start < until and turn.stop > self.until:
                self._append(replace(turn, start=max(turn.start, self.until), stop=min(turn.stop, until)))
        self.until = until

    def close(self, start: int) -> None:
        """Begin a chunk at `start`; the one told last is over."""
        self._closed = ChunkSpeakers((), self.voices, self._closed.same_voice)
        self._told = [turn for turn in self._told if turn.stop > start]

    def _append(self, turn: SpeakerTurn) -> None:
        own = [index for index, told in enumerate(self._told) if told.speaker == turn.speaker]
        if own and self._told[own[-1]].stop >= turn.start:
            self._told[own[-1]] = replace(self._told[own[-1]], stop=turn.stop)
        else:
            self._told.append(turn)

    def _continued(self, chunk: ChunkSpeakers, until: int) -> dict[int, int]:
        """The number of each speaker of the chunk who was told or is told now."""
        numbers = _shared_numbers(chunk.turns, self._told)
        voices = {voice.speaker: voice for voice in chunk.voices}
        for turn in chunk.turns:
            is_told = turn.start < until and turn.stop > self.until
            if is_told and turn.speaker not in numbers:
                numbers[turn.speaker] = self._number_of(voices[turn.speaker], chunk, numbers)
        return numbers

    def _number_of(self, voice: Voice, chunk: ChunkSpeakers, numbers: Mapping[int, int]) -> int:
        """Of a speaker of whom nothing was told in this chunk: somebody from before it, or somebody new with
        enough voice, or else whoever is likeliest of those who are silent meanwhile."""
        away = tuple(v for v in self._closed.voices if v.speaker not in numbers.values())
        alone = ChunkSpeakers((), (voice,), chunk.same_voice)
        linked = link_chunk(ChunkSpeakers((), away, chunk.same_voice), alone, ANY, iter((NEW,)))
        if (number := linked[voice.speaker]) != NEW:
            return number
        is_full = self._number == self._maximum
        if is_full or voice.num_samples < OWN_VOICE:
            similarity = self._similarities(voice, chunk, numbers)
            talking = {numbers.get(speaker) for speaker in _talking_with(voice.speaker, chunk.turns)}
            silent = [n for n in range(self._number) if n not in talking and (is_full or n in similarity)]
            if silent:
                return max(silent, key=lambda n: similarity.get(n, -1.0))
        self._number += 1
        return self._number - 1

    def _similarities(
        self, voice: Voice, chunk: ChunkSpeakers, numbers: Mapping[int, int]
    ) -> dict[int, float]:
        """The cosine similarity of the voice with each speaker of the session who has one."""
        here = [(numbers[v.speaker], v.embedding) for v in chunk.voices if v.speaker in numbers]
        others = {**{v.speaker: v.embedding for v in self._closed.voices}, **dict(here)}
        if not others:
            return {}
        cosines = unpack(others.values()) @ unpack([voice.embedding])[0]
        return dict(zip(others, cosines.tolist(), strict=True))


def _shared_numbers(turns: Sequence[SpeakerTurn], told: Sequence[SpeakerTurn]) -> dict[int, int]:
    """Speakers of `turns` as those of `told` so that they share the most time; not those who share none."""
    rows, columns = list(speaking_time(turns)), list(speaking_time(told))
    if not rows or not columns:
        return {}
    shared = shared_time(turns, told, rows, columns)
    return {rows[row]: columns[column] for row, column in best_pairs(shared) if shared[row, column] > 0}


def _talking_with(speaker: int, turns: Sequence[SpeakerTurn]) -> set[int]:
    """The others who talk while `speaker` does."""
    own = [turn for turn in turns if turn.speaker == speaker]
    others = (turn for turn in turns if turn.speaker != speaker)
    return {
        turn.speaker
        for turn in others
        if any(turn.start < mine.stop and turn.stop > mine.start for mine in own)
    }
