"""What a job runs: the checks, the pipeline and the rendering of the plain endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from exceptions import InvalidRequestError
from models import ChunkResult, Transcript
from options import ResponseFormat, Task
from services.chunk_runner import Checkpoints
from services.requests.accepted import (
    AcceptedRequest,
    accept,
    accept_for_any_format,
    decode_accepted,
    encode_accepted,
)
from services.requests.known_speakers import with_known_voices
from services.requests.parameters import parse_parameters
from services.requests.stage_defaults import StageDefaults
from services.transcription import TranscriptionService
from services.voices.enrolment import SpeakerService
from utils.answers.wire import WireTextDelta
from utils.catalogue import Catalogue
from utils.response_formatter import render
from utils.speakers.labels import without_speakers
from utils.store.records import Job, JobEvent
from utils.transcript.events import Announced, Event, Finished, Settled
from utils.transcript.wire_events import WireEvents
from utils.waiting.progress import Progress

Fields = Sequence[tuple[str, str]]

TASKS = {"/v1/audio/transcriptions": Task.TRANSCRIBE, "/v1/audio/translations": Task.TRANSLATE}


@dataclass(frozen=True, slots=True)
class TranscriptionWork:
    transcription: TranscriptionService
    catalogue: Catalogue
    defaults: StageDefaults
    speakers: SpeakerService

    def accept_line(self, endpoint: str, fields: Fields) -> str:
        """A line of a batch as a job keeps it.

        Raises InvalidRequestError, ModelNotFoundError, StageUnavailableError.
        """
        asked = parse_parameters(fields, self.defaults, TASKS[endpoint])
        for name in ("background", "stream"):
            if getattr(asked, name):
                raise InvalidRequestError("A line of a batch cannot ask for it.", param=name)
        self.catalogue.require(asked.model)
        return self._accepted(accept(asked))

    def accept_background(self, fields: Fields) -> str:
        """A background transcription, whose model was found before, as a job keeps it. Raises as above."""
        return self._accepted(accept_for_any_format(fields, self.defaults))

    async def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[JobEvent | ChunkResult | Transcript]:
        request = decode_accepted(job.request)
        if request.options.decode.model:  # an operator who allows no downloads any more gets none
            self.catalogue.require(request.options.decode.model)
        form = request.answer_in(None)
        wire_events = WireEvents(form)
        options = await with_known_voices(request.options, request.known, self.speakers, job.owner, workspace)
        stream = self.transcription.stream_file(upload, workspace, options, progress, checkpoints)
        async with aclosing(stream) as events:
            async for event in events:
                for part in _one_by_one(event, form.speakers) if job.batch_id is None else ():
                    for wire in wire_events.convert(part):
                        delta = wire.delta if isinstance(wire, WireTextDelta) else ""
                        yield JobEvent(wire.model_dump_json(exclude_none=True), delta)
                if isinstance(event, Finished):
                    yield event.transcript
                elif isinstance(event, ChunkResult):
                    yield event

    def render(
        self, job: Job, transcript: Transcript, wanted: ResponseFormat | None = None
    ) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type; by default in the format that the job was started with.

        Raises InvalidRequestError for speakers where nobody diarized.
        """
        form = decode_accepted(job.request).answer_in(wanted)
        return render(transcript if form.speakers else without_speakers(transcript), form)

    def _accepted(self, request: AcceptedRequest) -> str:
        self.transcription.require(request.options)
        return encode_accepted(request)


def _one_by_one(event: Event, shows_speakers: bool) -> Iterable[Event]:
    """The events of a stream, each segment on its own: how many come together depends on what is finished
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
