"""Child process: faster-whisper's own pipelines, batched or not, with the server's embedded weights."""

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
    model = load_model()
    pipeline = BatchedInferencePipeline(model)

    def transcribe(request: Message) -> Message:
        audio, options = request["audio"], {"language": request["language"], "beam_size": BEAM_SIZE}
        options["multilingual"] = request.get("multilingual", False)
        if request.get("batched", True):
            segments, _ = pipeline.transcribe(audio, batch_size=BATCH_SIZE, **options)
        else:
            segments, _ = model.transcribe(audio, **options)
        return {"text": " ".join(segment.text for segment in segments)}

    answer_requests(transcribe)


if __name__ == "__main__":
    main()
