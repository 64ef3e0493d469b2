"""Recordings of one person, and of faint speech: changed voices, long readings, whispering, distance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from benchmarks.hard.drafts import Draft, Scene, random_scene
from benchmarks.hard.material import Voice
from benchmarks.hard.schedule import LEAD, Line, Pace, Random, Reader, converse, place
from benchmarks.hard.signal.sound import at_level
from benchmarks.hard.signal.voice_changes import CHANGES

PAUSE = (0.3, 0.9)  # seconds between utterances
WHOLE = 30.0  # seconds; more than any utterance, so that it is read whole

# How the voice changes from part to part.
CHANGED = (
    ("", "lower", ""),
    ("", "falsetto"),
    ("cold", "", "cold"),
    ("", "laughing", ""),
    ("", "higher", "lower"),
    ("", "whisper", ""),
    ("cold", "higher"),
    ("", "laughing", "falsetto", ""),
    ("lower", "", "whisper", "higher"),
    ("", "cold", "whisper"),
)
PART_SECONDS = 15
NUM_UNCHANGED, UNCHANGED_SECONDS = 4, 80
QUICK_CHANGED, QUICK_FAINT = 2, 3

# Level in dB of full scale, noise below the speech in dB, kind of noise.
WHISPERED = (
    (-20, 30, "pink"),
    (-26, 20, "brown"),
    (-32, 25, "pink"),
    (-38, 18, "white"),
    (-45, 20, "pink"),
    (-30, 15, "pink"),
    (-41, 25, "brown"),
    (-35, 30, "white"),
    (-48, 18, "pink"),
    (-23, 40, "pink"),
)
QUIET = (
    (-45, 20, "pink"),
    (-35, 20, "pink"),
    (-50, 20, "pink"),
    (-35, 15, "white"),
    (-45, 15, "brown"),
    (-50, 15, "white"),
    (-45, 25, "hum"),
    (-50, 25, "pink"),
    (-35, 25, "kitchen"),
)
QUIET_SECONDS, WHISPER_SECONDS = 28, (10, 20, 30)
# Speakers near and far, level of the near ones; the far ones are 30 dB quieter.
DISTANCES = ((1, 1, -15), (2, 1, -18), (1, 2, -20), (2, 2, -12))
DISTANCE_SECONDS = 70
FAR_SNR = 15  # dB of the far speakers over the noise

Make = Callable[[str], Random]


def changed(voices: Sequence[Voice], random: Make) -> Iterator[Draft]:
    """One person whose voice changes."""
    for number, changes in enumerate(CHANGED):
        name = f"changed{number:02}_{'_'.join(change or 'plain' for change in changes)}"
        rng = random(name)
        long = _long_voices(voices, 45)
        reader = Reader(long[int(rng.integers(len(long)))], rng)
        lines: list[Line] = []
        for change in changes:
            part = _read(reader, PART_SECONDS, rng, lines[-1].end if lines else 0.0)
            lines += [_changed(line, change) for line in part]
        scene = random_scene(random(f"{name} scene"), number)
        scene = replace(scene, snr=max(scene.snr, 20.0), level=max(scene.level, -32.0))
        yield Draft(name, "changed", lines, scene, number < QUICK_CHANGED)


def unchanged(voices: Sequence[Voice], random: Make) -> Iterator[Draft]:
    """One person who reads for long."""
    long = _long_voices(voices, 45)
    for number in range(NUM_UNCHANGED):
        name = f"alone{number:02}"
        rng = random(name)
        lines = _read(Reader(long[int(rng.integers(len(long)))], rng), UNCHANGED_SECONDS, rng)
        scene = random_scene(random(f"{name} scene"), number)
        yield Draft(name, "alone", lines, replace(scene, snr=max(scene.snr, 16.0)), number == 0)


def faint(voices: Sequence[Voice], random: Make) -> Iterator[Draft]:
    """One person who whispers, or whose recording is quiet."""
    long = _long_voices(voices, 20)
    for kind, levels in (("whisper", WHISPERED), ("quiet", QUIET)):
        for number, (level, snr, noise) in enumerate(levels):
            name = f"{kind}{number:02}_{-level}dB"
            rng = random(name)
            seconds = QUIET_SECONDS if kind == "quiet" else WHISPER_SECONDS[number % len(WHISPER_SECONDS)]
            lines = _read(Reader(long[int(rng.integers(len(long)))], rng), seconds, rng)
            if kind == "whisper":
                lines = [_changed(line, "whisper") for line in lines]
            yield Draft(name, kind, lines, Scene(level, noise, snr), number < QUICK_FAINT)


def near_and_far(voices: Sequence[Voice], random: Make) -> Iterator[Draft]:
    """People near the microphone and others far from it, in one room."""
    for number, (num_near, num_far, level) in enumerate(DISTANCES):
        name = f"distance{number:02}_{num_near}_{num_far}"
        rng = random(name)
        long = _long_voices(voices, 30)
        chosen = [long[n] for n in rng.permutation(len(long))[: num_near + num_far]]
        pace = Pace(turns=(1.5, 12.0))
        lines = place(converse(chosen, DISTANCE_SECONDS, pace, rng), pace, rng)
        far = frozenset(voice.speaker for voice in chosen[num_near:])
        yield Draft(name, "distance", lines, Scene(level, "pink", 30 + FAR_SNR, 0.4, far=far), number == 0)


def _long_voices(voices: Sequence[Voice], seconds: float) -> list[Voice]:
    """English voices with text and at least `seconds` of speech."""
    return [v for v in voices if v.language == "en" and v.has_text and v.seconds >= seconds]


def _read(reader: Reader, seconds: float, rng: Random, start: float = 0.0) -> list[Line]:
    """Whole utterances one after the other, together about `seconds`, from `start` on."""
    lines: list[Line] = []
    while sum(line.phrase.seconds for line in lines) < seconds - 2:
        phrase = reader.read(WHOLE)
        if phrase is None:
            break
        end = lines[-1].end if lines else start
        lines.append(Line(end + float(rng.uniform(*PAUSE)) if end else LEAD, phrase))
    return lines


def _changed(line: Line, change: str) -> Line:
    """The line with its voice changed, as loud as before."""
    if not change:
        return line
    samples = at_level(CHANGES[change](at_level(line.phrase.samples, -23)), -23)
    return replace(line, phrase=replace(line.phrase, samples=samples))
