"""Whispering through the server, with real models."""

from __future__ import annotations

from tests.recordings import conversation, plain_words, wav
from tests.servers import RunningServer
from tests.speech.faint_speech import at_level, whispered

DIALOGUE = conversation("dialogue")


def test_a_whispered_conversation_is_written_down(tiny_server: RunningServer) -> None:
    audio = wav(at_level(whispered(DIALOGUE.samples), -45, 8))
    answer = tiny_server.client.audio.transcriptions.create(model="whisper-1", file=("w.wav", audio))
    missing = set(DIALOGUE.words) - set(plain_words(answer.text))
    assert len(missing) < 0.3 * len(set(DIALOGUE.words))
