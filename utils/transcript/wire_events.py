"""Converts transcription events to the streaming events of the hosted API. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import Segment
from utils.answers.json_body import diarized_segment, languages
from utils.answers.token_logprobs import wire_logprobs
from utils.answers.usage import token_usage
from utils.answers.wire import AnswerForm, WireDiarizedSegment, WireTextDelta, WireTextDone
from utils.speakers.labels import speaker_label
from utils.transcript.events import Announced, Event, Finished, Settled

WireEvent = WireTextDelta | WireDiarizedSegment | WireTextDone


class WireEvents:
    """The deltas add up to the text of the last event, which is the transcript's. With diarization, segments
    follow once their speakers are known, numbered from 1."""

    def __init__(self, form: AnswerForm) -> None:
        self._form = form
        self._space: str | None = None  # held back until something follows it; None before the first word
        self._segments = 0

    def convert(self, event: Event) -> Iterator[WireEvent]:
        match event:
            case Settled(segments):
                yield from self._delta(segments)
            case Announced(segments, labels):
                for segment in segments:
                    self._segments += 1
                    label = speaker_label(segment.speaker or 0, labels)
                    yield diarized_segment(self._segments, segment, label)
            case Finished():
                yield self._done(event)

    def _delta(self, segments: Sequence[Segment]) -> Iterator[WireTextDelta]:
        """The transcript's text is stripped, so space at either end of it is left out here too."""
        text = "".join(segment.text for segment in segments)
        if stripped := text.strip():
            before = "" if self._space is None else self._space + text[: len(text) - len(text.lstrip())]
            self._space = text[len(text.rstrip()) :]
            yield WireTextDelta(delta=before + stripped)
        elif self._space is not None:
            self._space += text

    def _done(self, finished: Finished) -> WireTextDone:
        """The client's types have usage in tokens here, whatever the model name."""
        transcript = finished.transcript
        return WireTextDone(
            text=transcript.text,
            languages=languages(transcript),
            logprobs=list(wire_logprobs(transcript.segments)) if self._form.logprobs else None,
            speaker_map=dict(finished.speaker_map) or None,
            usage=token_usage(transcript),
        )
