"""Fields that steer the recogniser change what it says."""

from __future__ import annotations

from pathlib import Path

from config import Settings
from loaders import Loaders
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import running_server
from utils.model_manager import ModelSource


def test_a_language_is_found_among_the_candidates(tmp_path: Path) -> None:
    """The fake takes what it hears for English, then German, then French."""
    settings = Settings(
        _env_file=None, enable_speaker_diarization=False, workspace_dir=tmp_path, data_dir=tmp_path
    )
    loaders = Loaders(
        ModelSource("whisper-base", ScriptedRecogniser), ModelSource("loudness", LoudnessDetector)
    )
    with running_server(settings, loaders) as server:
        for candidates, found in (([], "en"), (["de", "fr"], "de"), (["fr"], "fr")):
            answer = server.client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", wav(tone(2.0))), extra_body={"languages": candidates}
            )
            assert [language.code for language in answer.languages or []] == [found]
