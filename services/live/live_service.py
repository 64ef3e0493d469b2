"""Opens live sessions, as many as the recogniser can serve."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from exceptions import OverloadedError
from options import LiveOptions
from seams import Detector
from services.diarization_service import Diarizer
from services.live.audio_input import AudioInput
from services.live.labelling import SessionSpeakers
from services.live.pace import Pace
from services.live.recognition import LiveRecogniser
from services.live.recording import SessionRecording, SessionStore
from services.live.session import Session
from services.whisper_pool import WhisperPool
from utils.model_manager import ModelSlot
from utils.store.records import new_job_id

logger = logging.getLogger(__name__)

SESSIONS_PER_LANE = 3


class LiveService:
    def __init__(
        self,
        whisper: WhisperPool,
        detector: ModelSlot[Detector],
        diarizer: Diarizer | None,
        store: SessionStore,
        max_sessions: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`max_sessions` 0: as many as the recogniser can serve."""
        self._clock = clock
        self._whisper = whisper
        self._detector = detector
        self._diarizer = diarizer
        self._store = store
        self._max_sessions = max_sessions or SESSIONS_PER_LANE * whisper.lanes
        self._num_open = 0

    @asynccontextmanager
    async def open(self, owner: str, request_id: str, options: LiveOptions) -> AsyncIterator[Session]:
        if self._num_open >= self._max_sessions:
            raise OverloadedError(
                f"{self._max_sessions} live sessions are open, the limit of this server; try again soon."
            )
        pace = Pace(self._clock)
        source = AudioInput(self._detector, options.audio)
        recogniser = LiveRecogniser(self._whisper, source, owner, pace)
        recording = SessionRecording(self._store, owner, new_job_id())
        speakers = SessionSpeakers(self._diarizer, source)
        session = Session(
            f"sess_{uuid.uuid4().hex[:24]}", source, recogniser, recording, speakers, pace, options
        )
        self._num_open += 1
        logger.info("%s: live session %s begins", request_id, session.id)
        try:
            yield session
        finally:
            self._num_open -= 1
            await session.close()
            logger.info("%s: live session %s has ended", request_id, session.id)
