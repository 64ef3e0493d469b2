"""The asynchronous official client: prints the text of a turn that the server ends, of one that is committed,
and of one in which nobody speaks. Arguments: base URL, speech (16-bit, 24 kHz)."""

import asyncio
import base64
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

SECOND = 2 * 24_000
SPEECH = Path(sys.argv[2]).read_bytes()


async def append(connection: AsyncRealtimeConnection, audio: bytes) -> None:
    for start in range(0, len(audio), SECOND // 10):
        piece = audio[start : start + SECOND // 10]
        await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())


async def transcript(connection: AsyncRealtimeConnection) -> str:
    async for event in connection:
        if event.type == "error":
            sys.exit(event.error.message)
        if event.type == "conversation.item.input_audio_transcription.completed":
            return event.transcript
    sys.exit("The connection closed before the turn was completed.")


async def main() -> dict[str, str]:
    client = AsyncOpenAI(base_url=sys.argv[1], api_key="unused")
    texts = {}
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        await connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe", "language": "en"}}},
            }
        )
        await append(connection, SPEECH + bytes(SECOND))
        texts["detected"] = await transcript(connection)
        await connection.session.update(
            session={"type": "transcription", "audio": {"input": {"turn_detection": None}}}
        )
        for name, audio in (("committed", SPEECH), ("empty", bytes(SECOND))):
            await append(connection, audio)
            await connection.input_audio_buffer.commit()
            texts[name] = await transcript(connection)
    return texts


print("TEXT:", json.dumps(asyncio.run(main())))
