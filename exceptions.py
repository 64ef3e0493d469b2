"""The errors that the server answers with, and the HTTP status of each.

TranscriptionServerError
├── InvalidRequestError            400  a parameter is invalid
│   ├── InvalidAudioError          400  the file has no decodable audio
│   ├── CommitEmptyError           400  a live turn is committed with less than 100 ms of audio
│   ├── InvalidApiKeyError         401  no API key, or an unknown one
│   ├── HostNotAllowedError        403  the Host header is not in ALLOWED_HOSTS
│   ├── OriginNotAllowedError      403  a web page of this origin may not open WebSockets
│   ├── ModelNotFoundError         404  no such model
│   ├── NotFoundError              404  no such file, batch, job or speaker of this caller
│   ├── UploadTimeoutError         408  no data for UPLOAD_IDLE_SECONDS
│   ├── UploadTooLargeError        413  over MAX_UPLOAD_MB or MAX_AUDIO_HOURS
│   └── UnsupportedMediaTypeError  415  the body is not multipart/form-data
├── ModelFailedError               500  a model timed out or ran out of memory
│   └── ModelCrashedError          500  its process ended during the call
├── UnexpectedError                500  a bug in the server
├── StageUnavailableError          501  a stage that is off or has no model here
├── OverloadedError                429  too many requests, jobs or batches
├── InsufficientStorageError       507  the disk, or the file store, is full
├── ModelUnavailableError          503  a model cannot be loaded
│   └── WeightsMissingError        503  the weights of an embedded model are not installed
├── ResourceLimitError             503  too many connections or open files
├── ShuttingDownError              503  the server is shutting down
├── DataFolderError                503  DATA_DIR cannot be used
└── WorkspaceFolderError           503  WORKSPACE_DIR cannot be used
"""

from __future__ import annotations

import copyreg
from typing import Any


class TranscriptionServerError(Exception):
    """An error with its OpenAI envelope: status, type, code, and the parameter at fault."""

    status = 500
    type = "server_error"
    code: str | None = None
    retry_after: int | None = None  # seconds; None: a retry cannot succeed, sent as x-should-retry: false

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies, and for errors that come from a child process. The constructors of the subclasses take
        different arguments, so they are not called again."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    @property
    def body(self) -> dict[str, str | None]:
        """The `error` object of the envelope."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}


class InvalidRequestError(TranscriptionServerError):
    status = 400
    type = "invalid_request_error"


class InvalidAudioError(InvalidRequestError):
    code = "invalid_audio"

    def __init__(self, message: str) -> None:
        super().__init__(message, param="file")


class CommitEmptyError(InvalidRequestError):
    code = "input_audio_buffer_commit_empty"


class InvalidApiKeyError(InvalidRequestError):
    status = 401
    code = "invalid_api_key"


class HostNotAllowedError(InvalidRequestError):
    status = 403
    code = "host_not_allowed"


class OriginNotAllowedError(InvalidRequestError):
    status = 403
    code = "origin_not_allowed"


class ModelNotFoundError(InvalidRequestError):
    status = 404
    code = "model_not_found"


class NotFoundError(InvalidRequestError):
    status = 404
    code = "not_found"


class UploadTimeoutError(InvalidRequestError):
    status = 408
    code = "upload_timeout"


class UploadTooLargeError(InvalidRequestError):
    status = 413
    code = "file_too_large"

    def __init__(self, message: str) -> None:
        super().__init__(message, param="file")


class UnsupportedMediaTypeError(InvalidRequestError):
    status = 415
    code = "unsupported_media_type"


class ModelFailedError(TranscriptionServerError):
    status = 500
    code = "model_failed"
    retry_after = 1


class ModelCrashedError(ModelFailedError):
    """Raised for every call in progress, whichever of them caused the crash."""


class UnexpectedError(TranscriptionServerError):
    def __init__(self) -> None:
        super().__init__("Internal server error; the server log has the details.")


class StageUnavailableError(TranscriptionServerError):
    status = 501
    type = "not_implemented_error"
    code = "stage_unavailable"


class OverloadedError(TranscriptionServerError):
    status = 429
    type = "rate_limit_error"
    code = "server_overloaded"
    retry_after = 5


class InsufficientStorageError(TranscriptionServerError):
    status = 507
    code = "insufficient_storage"
    retry_after = 60


class ModelUnavailableError(TranscriptionServerError):
    status = 503
    code = "model_unavailable"
    retry_after = 30


class WeightsMissingError(ModelUnavailableError):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"The weights of {model} are not installed: run `transcription-server install-weights`, or "
            "`make weights` in a clone."
        )


class ResourceLimitError(TranscriptionServerError):
    status = 503
    code = "resource_limit"
    retry_after = 5


class ShuttingDownError(TranscriptionServerError):
    status = 503
    code = "server_shutting_down"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__("This server is shutting down; send the request again.")


class DataFolderError(TranscriptionServerError):
    status = 503
    code = "data_folder_unusable"


class WorkspaceFolderError(TranscriptionServerError):
    status = 503
    code = "workspace_folder_unusable"
    retry_after = 60
