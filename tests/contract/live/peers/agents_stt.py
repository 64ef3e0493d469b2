"""The speech-to-text session of OpenAI Agents: prints the text of a turn that the server ends, of one that
ends with the input, and of one in which nobody speaks. Arguments: base URL, speech (16-bit, 24 kHz)."""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
from agents import set_tracing_disabled
from agents.voice import OpenAISTTModel, StreamedAudioInput, STTModelSettings
from openai import AsyncOpenAI

RATE = 24_000
SPEECH = np.frombuffer(Path(sys.argv[2]).read_bytes(), np.int16)
SILENCE = np.zeros(RATE, np.int16)


async def turns(*parts: np.ndarray, ends: bool) -> list[str]:
    """What is said in `parts`; the input `ends` after them, or once a turn was heard."""
    audio = StreamedAudioInput()
    client = AsyncOpenAI(base_url=sys.argv[1], api_key="unused")
    session = await OpenAISTTModel("gpt-4o-transcribe", client).create_session(
        audio, STTModelSettings(language="en"), False, False
    )
    for part in parts:
        for start in range(0, len(part), RATE // 10):
            await audio.add_audio(part[start : start + RATE // 10])
    if ends:
        await audio.add_audio(None)
    texts: list[str] = []
    async for text in session.transcribe_turns():
        if not texts and not ends:
            await audio.add_audio(None)
        texts.append(text)
    return texts


async def main() -> dict[str, str]:
    return {
        "detected": " ".join(await turns(SPEECH, *[SILENCE] * 5, ends=False)),
        "committed": " ".join(await turns(SPEECH, ends=True)),
        "empty": " ".join(await turns(SILENCE, ends=True)),
    }


set_tracing_disabled(True)
print("TEXT:", json.dumps(asyncio.run(main())))
