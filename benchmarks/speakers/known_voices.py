"""Cosine similarity of voice clips and the speakers of recordings: the trade-off behind KNOWN_VOICE."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pyannote.core import Annotation, Segment

from benchmarks.eval_set import Conversation, Utterance, read_audio, read_conversations, read_utterances
from benchmarks.report import note, percent, table
from benchmarks.speakers.scores import read_reference
from benchmarks.values import Options
from config import Settings
from exceptions import InvalidAudioError
from loaders import default_loaders
from models import SAMPLE_RATE, Audio, ChunkSpeakers, Embedding, Span, seconds
from options import SpeakerCount
from services.diarization_service import Diarizer
from services.voices.clips import VoiceService
from utils.decoding.process_decoder import ProcessDecoder
from utils.model_manager import ModelManager
from utils.speakers.embedding import unpack

TITLE = "Known speakers"

METHOD = """\
Each recording except the long one is halved. Single-speaker stretches of one half, cut to 2, 4 and 10 s, are
the clips; the default diarizer finds the speakers of the other half, and each is identified as the reference
speaker with whom it overlaps most. A *false rejection* is a clip whose cosine similarity to its own speaker
is below the threshold, a *false acceptance* one whose similarity to another speaker is not; for the latter,
the clips of all recordings and those of `wer/manifest.jsonl` are compared with all speakers. Rates are over
pairs: a request with more names or more speakers has more pairs. The server's threshold for this network is
0.50, in the middle of the range in which neither rate changes. All clips come from the session of their
recording: across microphones and years voices are less similar, and more will be rejected than here."""

LENGTHS = (2, 4, 10)  # seconds
THRESHOLDS = [n / 20 for n in range(5, 17)]
MAX_STRETCHES = 4  # per speaker and half


@dataclass(frozen=True, slots=True)
class Half:
    """Half of a recording and its reference turns, in seconds from its own start."""

    uri: str
    kind: str
    audio: Audio
    reference: Annotation


@dataclass(frozen=True, slots=True)
class Clip:
    """A voice clip; `half` is its source."""

    speaker: str
    half: str
    seconds: int
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Pair:
    """The similarity of a clip and a speaker of a half; `kind` is the recording's."""

    kind: str
    seconds: int
    is_same: bool
    similarity: float


def measure(options: Options) -> str:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the server; numpy reads it on import
    pairs = asyncio.run(_pairs(options))
    header = (
        "threshold",
        *(f"{what}, {n} s" for n in LENGTHS for what in ("false rejection", "false acceptance")),
    )
    parts = [METHOD]
    for kind in sorted({pair.kind for pair in pairs}):
        of_kind = [pair for pair in pairs if pair.kind == kind]
        parts += [f"Speakers of {kind} recordings:", table(header, _rows(of_kind))]
    return "\n\n".join(parts)


def _rows(pairs: Sequence[Pair]) -> Iterator[tuple[object, ...]]:
    sets = {
        (length, is_same): np.array(
            [pair.similarity for pair in pairs if (pair.seconds, pair.is_same) == (length, is_same)]
        )
        for length in LENGTHS
        for is_same in (True, False)
    }
    yield "pairs", *map(len, sets.values())
    for threshold in THRESHOLDS:
        wrong = (
            similarity < threshold if is_same else similarity >= threshold
            for (_, is_same), similarity in sets.items()
        )
        yield f"{threshold:.2f}", *(percent(float(np.mean(share))) if len(share) else "-" for share in wrong)


async def _pairs(options: Options) -> list[Pair]:
    loaders = default_loaders(Settings(_env_file=None))
    if loaders.diarizer is None:
        raise RuntimeError("the default settings have no diarizer")
    models = ModelManager()
    diarizer = loaders.diarizer(models)
    decoder = ProcessDecoder()
    voices = VoiceService(decoder, models.add("speech", loaders.detector), diarizer)
    try:
        halves = [
            half for item in read_conversations(options.eval_dir, with_long=False) for half in _halve(item)
        ]
        clips = [clip for half in halves for clip in await _clips_of(half, voices)]
        clips += [
            clip for item in read_utterances(options.eval_dir) for clip in await _read_clips(item, voices)
        ]
        return [
            Pair(
                half.kind,
                clip.seconds,
                clip.speaker == name,
                float(np.vdot(*unpack([clip.embedding, embedding]))),
            )
            for half in halves
            for name, embedding in await _speakers_of(half, voices, diarizer)
            for clip in clips
            if clip.speaker != name or clip.half == _other(half.uri)  # elsewhere it may be the same utterance
        ]
    finally:
        models.close()
        decoder.close()


def _halve(conversation: Conversation) -> Iterator[Half]:
    audio = read_audio(conversation.audio)
    reference, _ = read_reference(conversation.rttm, conversation.uem, conversation.uri)
    middle = len(audio) // 2
    for name, start, stop in (("1", 0, middle), ("2", middle, len(audio))):
        part = Annotation()
        for segment, track, speaker in reference.itertracks(yield_label=True):
            inside = segment & Segment(start / SAMPLE_RATE, stop / SAMPLE_RATE)
            if inside:
                offset = start / SAMPLE_RATE
                part[Segment(inside.start - offset, inside.end - offset), track] = speaker
        yield Half(f"{conversation.uri} {name}", conversation.kind, audio[start:stop], part)


def _other(half: str) -> str:
    return half[:-1] + ("1" if half.endswith("2") else "2")


async def _clips_of(half: Half, voices: VoiceService) -> list[Clip]:
    note(half.uri)
    clips = []
    for speaker in half.reference.labels():
        for stretch in _single_speaker_stretches(half.reference, speaker)[:MAX_STRETCHES]:
            audio = half.audio[seconds(stretch.start) : seconds(stretch.end)]
            clips += await _cut_clips(speaker, half.uri, audio, voices)
    return clips


async def _read_clips(utterance: Utterance, voices: VoiceService) -> list[Clip]:
    return await _cut_clips(utterance.speaker, utterance.subset, read_audio(utterance.audio), voices)


async def _cut_clips(speaker: str, source: str, audio: Audio, voices: VoiceService) -> list[Clip]:
    clips = []
    for length in LENGTHS:
        if len(audio) < seconds(length):
            break
        try:
            voice = await voices.of_samples(audio[: seconds(length)])
        except InvalidAudioError:
            continue
        clips.append(Clip(speaker, source, length, voice.embedding))
    return clips


async def _speakers_of(half: Half, voices: VoiceService, diarizer: Diarizer) -> list[tuple[str, Embedding]]:
    """The reference name and the embedding of each speaker found."""
    note(half.uri)
    found = await diarizer.diarize(
        lambda span: half.audio[span.start : span.stop],
        Span(0, len(half.audio)),
        await voices.speech(half.audio),
        SpeakerCount(),
    )
    named = [
        (_reference_name(found, voice.speaker, half.reference), voice.embedding) for voice in found.voices
    ]
    return [(name, embedding) for name, embedding in named if name is not None]


def _reference_name(found: ChunkSpeakers, speaker: int, reference: Annotation) -> str | None:
    times: Counter[str] = Counter()
    for turn in found.turns:
        if turn.speaker == speaker:
            overlap = reference.crop(Segment(turn.start / SAMPLE_RATE, turn.stop / SAMPLE_RATE))
            times.update(dict(overlap.chart()))
    return times.most_common(1)[0][0] if times else None


def _single_speaker_stretches(reference: Annotation, speaker: str) -> list[Segment]:
    """Single-speaker stretches of `speaker`, longest first."""
    others = reference.subset([speaker], invert=True).get_timeline().support()
    free = others.gaps(support=reference.get_timeline().extent())
    own = reference.label_timeline(speaker).support().crop(free)
    return sorted(own, key=lambda segment: -segment.duration)
