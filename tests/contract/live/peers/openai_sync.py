"""The blocking official client: prints the text of a turn that the server ends, of one that is committed, and
of one in which nobody speaks. Arguments: base URL, speech (16-bit, 24 kHz)."""

import base64
import json
import sys
from pathlib import Path

from openai import OpenAI
from openai.resources.realtime.realtime import RealtimeConnection

SECOND = 2 * 24_000
SPEECH = Path(sys.argv[2]).read_bytes()


def transcript(connection: RealtimeConnection) -> str:
    for event in connection:
        if event.type == "error":
            sys.exit(event.error.message)
        if event.type == "conversation.item.input_audio_transcription.completed":
            return event.transcript
    sys.exit("The connection closed before the turn was completed.")


def append(connection: RealtimeConnection, audio: bytes) -> None:
    connection.input_audio_buffer.append(audio=base64.b64encode(audio).decode())


texts = {}
with OpenAI(base_url=sys.argv[1], api_key="unused").realtime.connect(model="whisper-1") as connection:
    append(connection, SPEECH + bytes(SECOND))
    texts["detected"] = transcript(connection)
    connection.session.update(session={"type": "transcription", "audio": {"input": {"turn_detection": None}}})
    for name, audio in (("committed", SPEECH), ("empty", bytes(SECOND))):
        append(connection, audio)
        connection.input_audio_buffer.commit()
        texts[name] = transcript(connection)
print("TEXT:", json.dumps(texts))
