"""What a job runs: the validation, pipeline and rendering of the synchronous endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from exceptions import InvalidRequestError
from models import ChunkResult, KnownVoices, Transcript
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
from services.requests.parameters import parse_parameters, with_model
from services.requests.stage_defaults import StageDefaults
from services.transcription import TranscriptionService
from services.voices.enrolment import SpeakerService
from utils.catalogue import Catalogue
from utils.response_formatter import render
from utils.speakers.labels import without_speakers
from utils.store.records import Job, JobEvent
from utils.transcript.events import Announced, Event, Finished, Recognised, Settled
from utils.transcript.wire_events import WireEvents
from utils.waiting.concurrency import in_thread
from utils.waiting.progress import Progress

Fields = Sequence[tuple[str, str]]

TRANSCRIPTIONS = "/v1/audio/transcriptions"
TASKS = {TRANSCRIPTIONS: Task.TRANSCRIBE, "/v1/audio/translations": Task.TRANSLATE}


@dataclass(frozen=True, slots=True)
class TranscriptionWork:
    transcription: TranscriptionService
    catalogue: Catalogue
    defaults: StageDefaults
    speakers: SpeakerService

    def accept_line(self, endpoint: str, fields: Fields) -> str:
        """A batch line, validated, as a job stores it.

        Raises InvalidRequestError, ModelNotFoundError, StageUnavailableError.
        """
        request = parse_parameters(fields, self.defaults, TASKS[endpoint])
        for name in ("background", "stream"):
            if getattr(request, name):
                raise InvalidRequestError(f"A batch line cannot set '{name}'.", param=name)
        return self._encode(accept(request))

    def accept_background(self, fields: Fields) -> str:
        """A background transcription, as a job stores it. Raises as above."""
        return self._encode(accept_for_any_format(fields, self.defaults))

    def accept_recording(self, fields: Fields, known: KnownVoices) -> str:
        """A background transcription that knows voices already. Raises as above."""
        accepted = accept_for_any_format(fields, self.defaults)
        return self._encode(replace(accepted, options=replace(accepted.options, known=known)))

    async def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[JobEvent | Recognised | ChunkResult | Transcript]:
        request = decode_accepted(job.request)
        options = with_model(request.options, self.catalogue)  # its download may no longer be allowed
        form = request.answer_in(None)
        wire_events = WireEvents(form)
        options = await with_known_voices(options, request.known, self.speakers, job.owner, workspace)
        stream = self.transcription.stream_file(upload, workspace, options, progress, checkpoints)
        async with aclosing(stream) as events:
            async for event in events:
                if job.batch_id is None:
                    async for job_event in in_thread(_job_events(wire_events, event, form.speakers)):
                        yield job_event
                if isinstance(event, Finished):
                    yield event.transcript
                elif isinstance(event, Recognised | ChunkResult):
                    yield event

    def render(
        self, job: Job, transcript: Transcript, wanted: ResponseFormat | None = None
    ) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type, by default in the format requested when the job was created.

        Raises InvalidRequestError for speakers if the job did not diarize.
        """
        form = decode_accepted(job.request).answer_in(wanted)
        return render(transcript if form.speakers else without_speakers(transcript), form)

    def _encode(self, request: AcceptedRequest) -> str:
        options = with_model(request.options, self.catalogue)
        self.transcription.require(options)
        return encode_accepted(replace(request, options=options))


def _job_events(wire_events: WireEvents, event: Event, shows_speakers: bool) -> Iterator[JobEvent]:
    """What a job tells of an event. Consume it in a thread: the last event holds the whole text."""
    for part in _per_segment(event, shows_speakers):
        for wire in wire_events.convert(part):
            yield JobEvent("".join(wire.pieces), wire.delta)


def _per_segment(event: Event, shows_speakers: bool) -> Iterable[Event]:
    """An event split into one per segment: how many come together depends on the checkpoints, and a retry
    must repeat the same events, of which those that were shown are skipped."""
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
