"""What Home Assistant's `openai_stt_ha` sends, and how it takes the answer: prints the text of a turn that
the server ends, of one that is committed, and of one in which nobody speaks. Its audio has 16 kHz, which it
does not say. Arguments: base URL, speech (16-bit, 16 kHz)."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import aiohttp

SECOND = 2 * 16_000
SPEECH = Path(sys.argv[2]).read_bytes()
UPDATE = {
    "type": "transcription_session.update",
    "session": {
        "input_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-4o-transcribe", "prompt": "", "language": "en"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
        },
        "input_audio_noise_reduction": {"type": "near_field"},
    },
}


async def first_result(audio: bytes, commit: bool) -> str:
    headers = {"Authorization": "Bearer unused", "OpenAI-Beta": "realtime=v1"}
    url = f"{sys.argv[1]}/realtime?intent=transcription"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, headers=headers, heartbeat=30) as socket,
    ):
        await socket.send_json(UPDATE)
        for start in range(0, len(audio), 2048):
            piece = base64.b64encode(audio[start : start + 2048]).decode()
            await socket.send_json({"type": "input_audio_buffer.append", "audio": piece})
        if commit:
            await socket.send_json({"type": "input_audio_buffer.commit"})
        async for message in socket:
            event = json.loads(message.data)
            if event["type"] == "conversation.item.input_audio_transcription.completed":
                return str(event["transcript"])
    sys.exit("The connection closed before the turn was completed.")


async def main() -> dict[str, str]:
    return {
        "detected": await first_result(SPEECH + bytes(SECOND), commit=False),
        "committed": await first_result(SPEECH, commit=True),
        "empty": await first_result(bytes(SECOND), commit=True),
    }


print("TEXT:", json.dumps(asyncio.run(main())))
