"""The beta half of the official client, which connects by TLS only: prints the text of a turn that the server
ends, of one that is committed, and of one in which nobody speaks. Arguments: base URL, speech (16-bit, 24
kHz)."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.resources.beta.realtime.realtime import AsyncRealtimeConnection

SECOND = 2 * 24_000
SPEECH = Path(sys.argv[2]).read_bytes()


async def transcript(connection: AsyncRealtimeConnection) -> str:
    async for event in connection:
        if event.type == "error":
            sys.exit(event.error.message)
        if event.type == "conversation.item.input_audio_transcription.completed":
            return event.transcript
    sys.exit("The connection closed before the turn was completed.")


async def append(connection: AsyncRealtimeConnection, audio: bytes) -> None:
    await connection.input_audio_buffer.append(audio=base64.b64encode(audio).decode())


async def main() -> dict[str, str]:
    client = AsyncOpenAI(base_url=sys.argv[1], api_key="unused")
    texts: dict[str, str] = {}
    async with client.beta.realtime.connect(
        model="gpt-4o-transcribe", extra_query={"intent": "transcription"}
    ) as connection:
        assert json.loads(await connection.recv_bytes())["type"] == "transcription_session.created"
        await connection.transcription_session.update(
            session={
                "input_audio_format": "pcm16",
                "input_audio_transcription": {"model": "gpt-4o-transcribe"},
            }
        )
        await append(connection, SPEECH + bytes(SECOND))
        texts["detected"] = await transcript(connection)
        manual: Any = {"turn_detection": None}  # the server takes it, the types do not have it
        await connection.transcription_session.update(session=manual)
        for name, audio in (("committed", SPEECH), ("empty", bytes(SECOND))):
            await append(connection, audio)
            await connection.input_audio_buffer.commit()
            texts[name] = await transcript(connection)
    return texts


print("TEXT:", json.dumps(asyncio.run(main())))
