"""POST /v1/audio/translations: what was said, in English."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai.types.audio import Translation, TranslationVerbose

from config import Settings
from loaders import Loaders
from options import Task
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import FIXTURES, tone, wav
from tests.servers import RunningServer, running_server
from utils.model_manager import ModelSource

# The hosted endpoint shuts down, and the client says so; ours goes on.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")

SPEECH = ("talk.wav", wav(tone(2.0)))
GERMAN = FIXTURES / "german.flac"


@pytest.fixture(scope="module")
def recogniser() -> ScriptedRecogniser:
    return ScriptedRecogniser()


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory, recogniser: ScriptedRecogniser) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None, enable_speaker_diarization=False, workspace_dir=tmp_path_factory.mktemp("work")
    )
    loaders = Loaders(
        ModelSource("whisper-base", lambda: recogniser), ModelSource("loudness", LoudnessDetector)
    )
    with running_server(settings, loaders) as server:
        yield server


@pytest.mark.contract("Translations", "`verbose_json`", "task `translate`, language `english`")
@pytest.mark.contract("Translations", "`prompt`, `temperature`", "as with transcriptions")
def test_the_recogniser_is_asked_to_translate(fake: RunningServer, recogniser: ScriptedRecogniser) -> None:
    answer = fake.client.audio.translations.create(
        model="whisper-1", file=SPEECH, prompt="A tale.", temperature=0.4, response_format="verbose_json"
    )
    assert type(answer) is TranslationVerbose
    read = TranslationVerbose.model_validate(answer.to_dict(), strict=True)
    assert (read.language, read.text, read.duration) == ("english", "w w", 2.0)
    assert answer.to_dict()["task"] == "translate"
    received = recogniser.options[-1]
    assert (received.task, received.prompt, received.temperature) == (Task.TRANSLATE, "A tale.", 0.4)


@pytest.mark.contract("Translations", "`json`, `text`, `srt`, `vtt`", "as with transcriptions")
def test_every_format_of_the_client(fake: RunningServer) -> None:
    create = fake.client.audio.translations.create
    assert create(model="whisper-1", file=SPEECH).text == "w w"
    assert create(model="whisper-1", file=SPEECH, response_format="text") == "w w\n"
    assert " --> 00:00:" in create(model="whisper-1", file=SPEECH, response_format="srt")
    assert create(model="whisper-1", file=SPEECH, response_format="vtt").startswith("WEBVTT")


@pytest.mark.parametrize(
    ("name", "value"), [("response_format", "diarized_json"), ("align", "true"), ("temperature", "2")]
)
@pytest.mark.contract("Translations", "what it cannot have", "a 400 that names it: diarized_json, alignment")
def test_what_a_translation_cannot_have_is_named(fake: RunningServer, name: str, value: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        fake.client.audio.translations.create(model="whisper-1", file=SPEECH, extra_body={name: value})
    assert refusal.value.param == name


@pytest.mark.contract("Translations", "a model for English only", "a 400 that says so")
def test_a_model_that_knows_only_english_says_so(tiny_server: RunningServer) -> None:
    with pytest.raises(openai.BadRequestError, match="multilingual") as refusal:
        tiny_server.client.audio.translations.create(model="whisper-1", file=GERMAN)
    assert refusal.value.param == "model"


@pytest.mark.contract("Translations", "`json`, `text`, `srt`, `vtt`")
def test_german_becomes_english(tmp_path: Path) -> None:
    """With the embedded Whisper base: the words that it gets right, and the original beside them."""
    settings = Settings(_env_file=None, whisper_model="whisper-base", device="cpu", workspace_dir=tmp_path)
    with running_server(settings) as server:
        translated = server.client.audio.translations.create(model="whisper-1", file=GERMAN)
        assert type(translated) is Translation
        for word in ("Good morning", "sun", "garden", "cup of coffee"):
            assert word in translated.text
        heard = server.client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=GERMAN, include=["logprobs"]
        )
    assert heard.text.startswith("Guten Morgen. Heute scheint die Sonne.")
    assert [language.code for language in heard.languages or []] == ["de"]
    assert b"".join(bytes(int(b) for b in e.bytes or []) for e in heard.logprobs or []).decode() == heard.text
