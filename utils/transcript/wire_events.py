"""Converts transcription events to the streaming events of the hosted API. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from models import Segment
from utils.answers.json_body import diarized_segment, languages
from utils.answers.json_pieces import LongText, render_object
from utils.answers.text_pieces import Stripper, text_of
from utils.answers.token_logprobs import wire_logprobs
from utils.answers.usage import token_usage
from utils.answers.wire import AnswerForm, WireTextDelta
from utils.speakers.labels import speaker_label
from utils.transcript.events import Announced, Event, Finished, Settled


@dataclass(frozen=True, slots=True)
class WireEvent:
    """The JSON of an event in pieces, and the text that it adds."""

    pieces: Iterable[str]
    delta: str = ""


class WireEvents:
    """The deltas add up to the text of the last event, which is the transcript's. With diarization, segments
    follow once their speakers are known, numbered from 1."""

    def __init__(self, form: AnswerForm) -> None:
        self._form = form
        self._text = Stripper()  # the transcript's text is stripped, so its deltas must be
        self._segments = 0

    def convert(self, event: Event) -> Iterator[WireEvent]:
        """Reads the segments of a transcript while the pieces are consumed."""
        match event:
            case Settled(segments):
                yield from self._delta(segments)
            case Announced(segments, labels):
                for segment in segments:
                    self._segments += 1
                    label = speaker_label(segment.speaker or 0, labels)
                    wire = diarized_segment(self._segments, segment, label)
                    yield WireEvent([wire.model_dump_json(exclude_none=True)])
            case Finished():
                yield WireEvent(self._done(event))

    def _delta(self, segments: Sequence[Segment]) -> Iterator[WireEvent]:
        if delta := self._text.feed("".join(segment.text for segment in segments)):
            yield WireEvent([WireTextDelta(delta=delta).model_dump_json()], delta)

    def _done(self, finished: Finished) -> Iterator[str]:
        """`speaker_map` is an extension: labels of earlier segments that differ in the final transcript. The
        client's types have usage in tokens here, whatever the model name."""
        transcript = finished.transcript
        return render_object(
            {
                "type": "transcript.text.done",
                "text": LongText(text_of(transcript.segments)),
                "languages": languages(transcript),
                "logprobs": wire_logprobs(transcript.segments) if self._form.logprobs else None,
                "speaker_map": finished.speaker_map or None,
                "usage": token_usage(transcript),
            }
        )
