"""LiveKit's STT plugin in a realtime session: prints the text of a turn that the server ends, of turns that
the plugin's own detector ends and commits (for its two live models), and of a turn in which nobody speaks.
Arguments: base URL, speech (16-bit, 24 kHz)."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from livekit import rtc
from livekit.agents import stt
from livekit.agents.utils import http_context
from livekit.agents.vad import VADEvent, VADEventType
from livekit.plugins import openai

RATE = 24_000
SECOND = 2 * RATE
SPEECH = Path(sys.argv[2]).read_bytes()


class EndsAtOnce:
    """A voice detector that takes all it hears for one turn, so that a turn of silence is committed too."""

    def stream(self) -> "EndsAtOnce":
        self._heard = 0
        self._full = asyncio.Event()
        return self

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        self._heard += len(frame.data)
        if self._heard >= RATE:
            self._full.set()

    async def __aiter__(self) -> AsyncIterator[VADEvent]:
        await self._full.wait()
        await asyncio.sleep(0.2)  # the plugin sends the last frame after the detector has it
        yield VADEvent(VADEventType.END_OF_SPEECH, 0, 0.0, 0.0, 0.0, [])

    def end_input(self) -> None: ...

    async def aclose(self) -> None: ...


async def transcript(audio: bytes, **options: object) -> str:
    """The final text of the first turn, which ends with a report of its usage."""
    plugin = openai.STT(base_url=sys.argv[1], api_key="unused", use_realtime=True, **options)
    text = ""
    async with plugin.stream() as stream:
        for start in range(0, len(audio), SECOND // 50):
            piece = audio[start : start + SECOND // 50]
            stream.push_frame(rtc.AudioFrame(piece, RATE, 1, len(piece) // 2))
        async for event in stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                text = event.alternatives[0].text
            if event.type is stt.SpeechEventType.RECOGNITION_USAGE:
                break
    await plugin.aclose()
    return text


async def main() -> dict[str, str]:
    spoken = SPEECH + bytes(SECOND)
    async with http_context.open():
        return {
            "detected": await transcript(spoken, model="gpt-4o-transcribe"),
            "gpt-live-transcribe": await transcript(spoken, model="gpt-live-transcribe", keywords=["market"]),
            "gpt-realtime-whisper": await transcript(spoken, model="gpt-realtime-whisper"),
            "empty": await transcript(bytes(SECOND), model="gpt-realtime-whisper", vad=EndsAtOnce()),
        }


print("TEXT:", json.dumps(asyncio.run(main())))
