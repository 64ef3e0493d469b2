"""Child process: faster-whisper's own batched pipeline with the server's embedded weights."""

from __future__ import annotations

from faster_whisper import BatchedInferencePipeline, WhisperModel

from backends.whisper.weights import find_weights
from benchmarks.report import num_cores
from benchmarks.values import Message
from benchmarks.worker import answer_requests

BATCH_SIZE = 8
BEAM_SIZE = 5


def load_model() -> WhisperModel:
    """The embedded Whisper base."""
    return find_weights("whisper-base", "cpu", "int8", num_cores()).load()


def main() -> None:
    pipeline = BatchedInferencePipeline(load_model())

    def transcribe(request: Message) -> Message:
        segments, _ = pipeline.transcribe(
            request["audio"], language=request["language"], batch_size=BATCH_SIZE, beam_size=BEAM_SIZE
        )
        return {"text": " ".join(segment.text for segment in segments)}

    answer_requests(transcribe)


if __name__ == "__main__":
    main()
