"""What a job runs: the checks, the pipeline and the rendering of the plain endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models import Transcript
from routes.known_speakers import with_known_speakers
from routes.parameters import StageDefaults, TranscriptionRequest, parse_parameters
from services.speaker_service import SpeakerService
from services.transcription import TranscriptionService
from utils.catalogue import Catalogue
from utils.job_store import Fields, Job
from utils.progress import Progress
from utils.response_formatter import render


@dataclass(frozen=True, slots=True)
class TranscriptionWork:
    transcription: TranscriptionService
    catalogue: Catalogue
    defaults: StageDefaults
    speakers: SpeakerService

    def check(self, fields: Fields) -> TranscriptionRequest:
        """Raises InvalidRequestError, ModelNotFoundError, StageUnavailableError."""
        asked = parse_parameters(fields, self.defaults)
        self.catalogue.require(asked.model)
        self.transcription.require(asked.options)
        return asked

    async def transcribe(self, job: Job, upload: Path, workspace: Path, progress: Progress) -> Transcript:
        asked = await with_known_speakers(self.check(job.fields), self.speakers, job.owner, workspace)
        return await self.transcription.transcribe(upload, workspace, asked.options, progress)

    def render(self, job: Job, transcript: Transcript) -> tuple[bytes, str]:
        return render(transcript, self.check(job.fields).answer)
