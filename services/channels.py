"""Recordings with one speaker per channel: each channel goes through the pipeline on its own."""

from __future__ import annotations

import shutil
from asyncio import to_thread
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from exceptions import InvalidRequestError
from models import Span, Transcript
from options import SpeakerCount, TranscriptionOptions
from utils.audio.channel_splitter import loudness, read_channel
from utils.transcript.channel_merger import ChannelMerger
from utils.waiting.concurrency import finish_in_thread
from utils.waiting.progress import PartOfProgress, Progress

Transcribe: TypeAlias = Callable[
    [Path, Path, TranscriptionOptions, Progress], Coroutine[None, None, Transcript]
]
"""The ordinary pipeline, for one upload in its workspace."""


async def transcribe_channels(
    channels: Sequence[Path],
    workspace: Path,
    options: TranscriptionOptions,
    progress: Progress,
    transcribe: Transcribe,
) -> Transcript:
    """Transcribe the channels one after the other, so that memory is that of one, and merge them by time.

    Raises InvalidRequestError if the requested speaker count rules out the channels, and what `transcribe`
    raises.
    """
    _check_count(options.speakers, len(channels))
    single = replace(options, separate_channels=False, diarize=False, speakers=SpeakerCount())
    transcripts = []
    for number, channel in enumerate(channels):
        folder = workspace / str(number)
        await to_thread(folder.mkdir)
        part = PartOfProgress(progress, number, len(channels))
        transcripts.append(await transcribe(channel, folder, single, part))
        await finish_in_thread(partial(shutil.rmtree, folder))
    merger = ChannelMerger(transcripts, partial(_loudness, channels), options.diarize, workspace)
    while (merged := await finish_in_thread(merger.step)) is None:
        pass
    return merged


def _check_count(count: SpeakerCount, channels: int) -> None:
    if not count.minimum <= channels <= (count.maximum or channels):
        raise InvalidRequestError(
            f"With channels=separate the {channels} channels are the speakers; leave their number out.",
            param="num_speakers",
        )


def _loudness(channels: Sequence[Path], channel: int, span: Span) -> float:
    return loudness(read_channel(channels[channel], span))
