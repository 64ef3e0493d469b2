"""LiteLLM's `transcription()`: prints the text of a recording. Arguments: base URL, path."""

import sys
from pathlib import Path

import litellm

with Path(sys.argv[2]).open("rb") as recording:
    answer = litellm.transcription(
        model="openai/whisper-1", file=recording, api_base=sys.argv[1], api_key="unused"
    )
print("TEXT:", answer.text)
