"""What a job runs: the checks, the pipeline and the rendering of the plain endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from exceptions import InvalidRequestError
from models import ChunkResult, Transcript
from options import ResponseFormat, Task, TranscriptionOptions
from services.requests.known_speakers import with_known_speakers
from services.requests.parameters import TranscriptionRequest, parse_parameters
from services.requests.stage_defaults import StageDefaults
from services.transcription import Recall, TranscriptionService
from services.voices.enrolment import SpeakerService
from utils.answers.wire import WireTextDelta
from utils.catalogue import Catalogue
from utils.response_formatter import render
from utils.speakers.labels import without_speakers
from utils.store.jobs import Fields, Job, Told
from utils.transcript.events import Announced, Event, Finished, Settled
from utils.transcript.wire_events import StreamEvents
from utils.waiting.progress import Progress

TASKS = {"/v1/audio/transcriptions": Task.TRANSCRIBE, "/v1/audio/translations": Task.TRANSLATE}

# Fields that some formats refuse, and that are left out where such a format is asked for afterwards.
BOUND = {
    "timestamp_granularities": frozenset({ResponseFormat.VERBOSE_JSON}),
    "include": frozenset({ResponseFormat.JSON}),
    "known_speaker_names": frozenset(ResponseFormat) - {ResponseFormat.JSON},
    "known_speaker_references": frozenset(ResponseFormat) - {ResponseFormat.JSON},
    "known_speakers": frozenset(ResponseFormat) - {ResponseFormat.JSON},
}


@dataclass(frozen=True, slots=True)
class TranscriptionWork:
    transcription: TranscriptionService
    catalogue: Catalogue
    defaults: StageDefaults
    speakers: SpeakerService

    def check(self, endpoint: str, fields: Fields) -> TranscriptionRequest:
        """Raises InvalidRequestError, ModelNotFoundError, StageUnavailableError."""
        asked = parse_parameters(fields, self.defaults, TASKS[endpoint])
        self.catalogue.require(asked.model)
        self.transcription.require(asked.options)
        for name in ("background", "stream"):
            if getattr(asked, name):
                raise InvalidRequestError("A line of a batch cannot ask for it.", param=name)
        return asked

    async def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, recall: Recall
    ) -> AsyncGenerator[Told | ChunkResult | Transcript]:
        asked = self.check(job.endpoint, job.fields)
        told, shows_speakers = StreamEvents(asked.answer), asked.options.diarize
        if job.batch_id is None:
            asked = replace(asked, options=self._for_any_format(job))
        asked = await with_known_speakers(asked, self.speakers, job.owner, workspace)
        stream = self.transcription.stream(upload, workspace, asked.options, progress, recall)
        async with aclosing(stream) as events:
            async for event in events:
                for part in _one_by_one(event, shows_speakers) if job.batch_id is None else ():
                    for wire in told.tell(part):
                        delta = wire.delta if isinstance(wire, WireTextDelta) else ""
                        yield Told(wire.model_dump_json(exclude_none=True), delta)
                if isinstance(event, Finished):
                    yield event.transcript
                elif isinstance(event, ChunkResult):
                    yield event

    def render(
        self, job: Job, transcript: Transcript, wanted: ResponseFormat | None = None
    ) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type; by default in the format that the job was started with.

        Raises InvalidRequestError for speakers where none were told apart.
        """
        asked = self.check(job.endpoint, _in_format(job.fields, wanted) if wanted else job.fields)
        if asked.options.separate_channels:
            return render(transcript, asked.answer)
        if not asked.options.diarize:
            transcript = without_speakers(transcript)
        elif job.batch_id is None and not self._for_any_format(job).diarize:
            raise InvalidRequestError(
                "Speakers were not told apart; start the job with diarize=true.", param="response_format"
            )
        return render(transcript, asked.answer)

    def _for_any_format(self, job: Job) -> TranscriptionOptions:
        """Of a background transcription any format can be asked for in the end, so it is worked on as for
        the richest."""
        asked = self.check(job.endpoint, job.fields).options
        rich = self.check(job.endpoint, _in_format(job.fields, ResponseFormat.VERBOSE_JSON)).options
        return replace(rich, decode=asked.decode, diarize=rich.diarize or asked.diarize)


def _one_by_one(event: Event, shows_speakers: bool) -> Iterable[Event]:
    """What a stream would tell, each segment on its own: how many come together depends on what is finished
    already."""
    match event:
        case Announced() if not shows_speakers:
            return []
        case Finished(transcript, _) if not shows_speakers:
            return [Finished(transcript, {})]
        case Settled(segments):
            return [Settled((segment,)) for segment in segments]
        case Announced(segments, labels):
            return [Announced((segment,), labels) for segment in segments]
    return [event]


def _in_format(fields: Fields, wanted: ResponseFormat) -> Fields:
    bound = (BOUND.get(name.partition("[")[0]) for name, _ in fields)
    kept = [field for field, fits in zip(fields, bound, strict=True) if not fits or wanted in fits]
    return [*kept, ("response_format", wanted)]
