"""Diarization error of the labels of live sessions, in virtual time, compared with that of files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from backends.diarization.embedder import load_voice_embedder
from backends.diarization.segmenter import load_speaker_segmenter
from backends.silero import load_speech_detector
from benchmarks.eval_set import LONG, Conversation, read_audio, read_conversations
from benchmarks.live.replay import Replay, play
from benchmarks.report import note, percent, table
from benchmarks.speakers.scores import DiarizationErrors, diarization_errors, read_reference
from benchmarks.values import Options, Turn
from models import SAMPLE_RATE, Audio, ChunkSpeakers, Span, SpeakerTurn
from options import SpeakerCount
from seams import DetectorState, PartsEmbedder, Segmenter
from services.diarization_service import ClusteringDiarizer
from utils.model_manager import ModelManager, ModelSource
from utils.speakers.linking import resolve_speakers
from utils.speech.speech_map import FRAME, SpeechMap

TITLE = "Live: diarization alone"

METHOD = """\
Every file of `der/manifest.jsonl`, no number of speakers given: as a file (*offline*, in chunks of ten
minutes), and as a live session in virtual time, whose turns end after half a second of silence. *Live* are
the turns as they were first told. *Lag* is how long after it was said speech has a speaker, on average and at
worst in nine tenths of it. *Changed* is the share of what was told whose speaker later evidence contradicts.
*Found* are the speakers of the whole session, offline and live at its end. *CPU* is the processor time of
networks and clustering, without the speech detector, for a second of sound; on a machine with other work it
is higher. Scored with pyannote.metrics including overlap, without a collar; the parts are miss, false alarm
and confusion."""

HEADER = ("file", "offline", "parts", "live", "parts", "difference", "lag", "changed", "speakers", "found")
ANY = SpeakerCount()
CHUNK = 600 * SAMPLE_RATE // FRAME * FRAME


@dataclass(frozen=True, slots=True)
class Row:
    conversation: Conversation
    offline: DiarizationErrors
    live: DiarizationErrors
    found: tuple[int, int]
    replay: Replay


def measure(options: Options) -> str:
    conversations = read_conversations(options.eval_dir, with_long=not options.quick)
    with _diarizer() as diarizer:
        rows = [asyncio.run(_row(conversation, diarizer)) for conversation in conversations]
    return "\n\n".join((METHOD, table((*HEADER, "CPU s/s"), _lines(rows))))


@contextmanager
def _diarizer() -> Iterator[ClusteringDiarizer]:
    models = ModelManager()
    segmentation: ModelSource[Segmenter] = ModelSource("segmentation-3.0", load_speaker_segmenter)
    embeddings: ModelSource[PartsEmbedder] = ModelSource("cam++", load_voice_embedder)
    segmenter, voices = models.add("segmentation", segmentation), models.add("voices", embeddings)
    asyncio.run(models.load_all())
    try:
        yield ClusteringDiarizer(segmenter, voices)
    finally:
        models.close()


async def _row(conversation: Conversation, diarizer: ClusteringDiarizer) -> Row:
    audio = read_audio(conversation.audio)
    audio = audio[: len(audio) // FRAME * FRAME]
    speech = _speech(audio)
    offline = await _offline(audio, speech, diarizer)
    replay = await play(audio, speech, diarizer)
    reference, uem = read_reference(conversation.rttm, conversation.uem, conversation.uri)
    errors = [
        diarization_errors(reference, uem, _timed(turns), collar=0) for turns in (offline, replay.turns)
    ]
    found = (len({turn.speaker for turn in offline}), replay.num_speakers)
    note(f"{conversation.uri}: {percent(errors[0].rate)} {percent(errors[1].rate)} {found} {replay.cpu:.3f}")
    return Row(conversation, errors[0], errors[1], found, replay)


def _speech(audio: Audio) -> SpeechMap:
    detector, state = load_speech_detector(), DetectorState()
    found = []
    for first in range(0, len(audio), 1000 * FRAME):
        probabilities, state = detector.detect(audio[first : first + 1000 * FRAME], state)
        found.append(probabilities)
    return SpeechMap(0, len(audio), np.concatenate(found))


async def _offline(audio: Audio, speech: SpeechMap, diarizer: ClusteringDiarizer) -> list[SpeakerTurn]:
    chunks: list[ChunkSpeakers] = []
    for first in range(0, len(audio), CHUNK):
        heard = Span(first, min(first + CHUNK, len(audio)))
        part = SpeechMap(first, heard.num_samples, speech.probabilities[first // FRAME : heard.stop // FRAME])
        chunks.append(await diarizer.diarize(lambda span: audio[span.start : span.stop], heard, part, ANY))
    resolved, numbers = resolve_speakers(chunks, ANY)
    return [
        SpeakerTurn(turn.start, turn.stop, number[turn.speaker])
        for chunk, number in zip(resolved, numbers, strict=True)
        for turn in chunk.turns
    ]


def _timed(turns: Sequence[SpeakerTurn]) -> list[Turn]:
    return [Turn(turn.start / SAMPLE_RATE, turn.stop / SAMPLE_RATE, str(turn.speaker)) for turn in turns]


def _lines(rows: Sequence[Row]) -> Iterator[tuple[object, ...]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        file = row.conversation
        groups.setdefault(_group(file), []).append(row)
        counts = (file.num_speakers, " · ".join(map(str, row.found)))
        yield file.uri, *_cells([row]), *counts, f"{row.replay.cpu:.3f}"
    for name, group in groups.items():
        cpu = np.average([row.replay.cpu for row in group], weights=[r.conversation.seconds for r in group])
        yield f"**{name}**", *_cells(group), "", "", f"{cpu:.3f}"


def _group(file: Conversation) -> str:
    if file.kind == LONG:
        return "an hour"
    return (
        "AMI" if file.uri.startswith("ami_") else f"other {file.kind}" if file.kind == "real" else file.kind
    )


def _cells(rows: Sequence[Row]) -> Iterator[str]:
    offline = sum((row.offline for row in rows), DiarizationErrors())
    live = sum((row.live for row in rows), DiarizationErrors())
    lags = np.concatenate([row.replay.lags for row in rows]) / SAMPLE_RATE
    changed = np.average(
        [row.replay.changed for row in rows], weights=[row.conversation.seconds for row in rows]
    )
    yield from (percent(offline.rate), offline.parts, percent(live.rate), live.parts)
    yield f"{100 * (live.rate - offline.rate):+.1f}"
    yield f"{lags.mean():.1f} / {np.quantile(lags, 0.9):.1f} s"
    yield percent(float(changed))
