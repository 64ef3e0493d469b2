"""pipecat's realtime STT service: prints the text of a turn that the server ends, and what is left of two
that are committed, in the first of which nobody speaks. Arguments: base URL, speech (16-bit, 24 kHz)."""

import asyncio
import json
import sys
from pathlib import Path

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat.workers.runner import WorkerRunner

RATE = 24_000
SECOND = 2 * RATE
SPEECH = Path(sys.argv[2]).read_bytes()
SETTINGS = OpenAIRealtimeSTTService.Settings(model="gpt-realtime-whisper", delay="low")


def frames(audio: bytes) -> list[Frame]:
    step = SECOND // 50
    return [InputAudioRawFrame(audio[start : start + step], RATE, 1) for start in range(0, len(audio), step)]


async def first_text(sent: list[Frame], **options: object) -> str:
    """What the pipeline writes first."""
    url = f"{sys.argv[1].replace('http', 'ws', 1)}/realtime"
    service = OpenAIRealtimeSTTService(api_key="unused", base_url=url, settings=SETTINGS, **options)
    parameters = PipelineParams(audio_in_sample_rate=RATE)
    worker = PipelineWorker(Pipeline([service]), params=parameters, enable_rtvi=False)
    worker.set_reached_downstream_filter((TranscriptionFrame,))
    texts: list[str] = []

    @worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator]
    async def send(worker: PipelineWorker, _: Frame) -> None:
        await worker.queue_frames(sent)

    @worker.event_handler("on_frame_reached_downstream")  # type: ignore[untyped-decorator]
    async def take(worker: PipelineWorker, frame: TranscriptionFrame) -> None:
        texts.append(frame.text)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()
    return texts[0]


async def main() -> dict[str, str]:
    end = VADUserStoppedSpeakingFrame()
    detection = {"type": "server_vad"}
    return {
        "detected": await first_text(frames(SPEECH + bytes(SECOND)), turn_detection=detection),
        "committed": await first_text([*frames(bytes(SECOND)), end, *frames(SPEECH), end]),
    }


logger.remove()
print("TEXT:", json.dumps(asyncio.run(main())))
