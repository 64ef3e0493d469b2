"""Speaker labels of live sessions against those of the same recordings sent as files."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.live.excerpts import Excerpt, whole
from benchmarks.live.player import TRANSCRIPTION, Received, play, session_update
from benchmarks.live.systems import STAGGER, Server
from benchmarks.load.callers import write_clip
from benchmarks.report import note, percent, table
from benchmarks.speakers.scores import (
    DiarizationErrors,
    attributed_errors,
    diarization_errors,
    read_reference,
    read_stm,
    speaker_turns,
    word_runs,
)
from benchmarks.values import Options, Turn
from utils.audio_utils import as_audio

TITLE = "Live: speakers"

AT_ONCE = 2  # sessions
QUICK = ("conv2_en_a", "ami_ES2003a_30s", "ami_EN2005a_30s")

METHOD = f"""\
Recordings played in real time to {AT_ONCE} sessions at once with `diarize`, and sent as files. `live` are
the `.segment` events as they were told, the last of each id (nothing is revised by default); `words` is the
file's answer as runs of words of one speaker, which is what a segment is; `turns` are its diarized turns. DER
without a collar, overlap included: miss + false alarm + confusion. cpWER where there is a transcript."""

HEADER = (
    "recording", "speakers", "live", "by file", "live DER", "parts", "words DER", "parts", "turns DER",
    "live cpWER", "by file",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording: what was said live and in the file."""

    live: list[Turn]
    words: list[Turn]
    turns: list[Turn]


def measure(options: Options) -> str:
    chosen = [item for item in read_conversations(options.eval_dir, with_long=False) if _is_chosen(item)]
    if options.quick:
        chosen = [item for item in chosen if item.uri in QUICK]
    rows = []
    with Server.running() as process:
        for first in range(0, len(chosen), AT_ONCE):
            group = chosen[first : first + AT_ONCE]
            excerpts = [whole(conversation) for conversation in group]
            lives = asyncio.run(_play(process.base_url, excerpts))
            for conversation, excerpt, live in zip(group, excerpts, lives, strict=True):
                rows.append(_row(conversation, _heard(process.base_url, excerpt, live)))
                note(" | ".join(rows[-1]))
    return "\n\n".join([METHOD, table(HEADER, rows)])


def segment_turns(received: Iterable[Received]) -> list[Turn]:
    """The last `.segment` of each id, in the order in which they were first told."""
    found: dict[str, Turn] = {}
    for each in received:
        if each.event["type"] == f"{TRANSCRIPTION}.segment":
            event = each.event
            found[event["id"]] = Turn(event["start"], event["end"], event["speaker"], event["text"])
    return list(found.values())


def _is_chosen(conversation: Conversation) -> bool:
    """Not the one with two channels."""
    return conversation.language == "en" and conversation.uri != "stereo_two_channels"


async def _play(base_url: str, excerpts: Sequence[Excerpt]) -> list[list[Turn]]:
    work = (
        play(base_url, excerpt.pcm, session_update(excerpt.language, diarize=True), n * STAGGER)
        for n, excerpt in enumerate(excerpts)
    )
    return [segment_turns(received) for received in await asyncio.gather(*work)]


def _heard(base_url: str, excerpt: Excerpt, live: list[Turn]) -> Heard:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.wav"
        write_clip(clip, as_audio(excerpt.pcm_16_khz))
        body = Client(base_url).transcribe_speakers(clip, language=excerpt.language).body
    return Heard(live, word_runs(body["words"]), speaker_turns(body))


def _row(conversation: Conversation, heard: Heard) -> tuple[str, ...]:
    reference, uem = read_reference(conversation.rttm, conversation.uem, conversation.uri)
    live, words, turns = (
        diarization_errors(reference, uem, each, collar=0.0)
        for each in (heard.live, heard.words, heard.turns)
    )
    counts = (len({turn.speaker for turn in each}) for each in (heard.live, heard.turns))
    return (
        conversation.uri,
        str(conversation.num_speakers),
        *map(str, counts),
        *_cells(live),
        *_cells(words),
        percent(turns.rate),
        *_attributed(conversation, heard),
    )


def _cells(errors: DiarizationErrors) -> tuple[str, str]:
    return percent(errors.rate), errors.parts


def _attributed(conversation: Conversation, heard: Heard) -> tuple[str, str]:
    if not conversation.stm:
        return "–", "–"
    reference = read_stm(conversation.stm)
    live, words = (
        attributed_errors(reference, each, conversation.language) for each in (heard.live, heard.words)
    )
    return percent(live.rate), percent(words.rate)
