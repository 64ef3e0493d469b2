"""Streaming multipart/form-data parser: fields in memory, files in the workspace, everything size-limited."""

from __future__ import annotations

import hashlib
from asyncio import timeout
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from exceptions import (
    InvalidRequestError,
    UnsupportedMediaTypeError,
    UploadTimeoutError,
    UploadTooLargeError,
)
from utils.disk import disk_full_translated
from utils.waiting.concurrency import finish_in_thread
from utils.waiting.upload_rate import UploadRate
from utils.workspace_room import WorkspaceRoom

MAX_FIELDS = 200
MAX_FIELD_BYTES = 64 * 1024
MAX_FILENAME = 255  # characters
CLIPS_FIELD = "known_speaker_references"  # audio: up to 10 s of 48 kHz stereo, 24 bit, in base64
MAX_CLIP_BYTES = 4 * 1024 * 1024
MAX_CLIPS_BYTES = 4 * MAX_CLIP_BYTES
FORM_OVERHEAD_BYTES = 1024 * 1024  # allowance for the form besides the file and the clips
WRITE_BYTES = 1024 * 1024

F = TypeVar("F")
Fields = list[tuple[str, str]]


@dataclass(slots=True)
class Upload:
    """A received form: the text fields in order, and the files on disk with the SHA-256 of all their bytes.
    `filename` is the client's name of the last file, for display only."""

    fields: Fields = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    filename: str = ""
    digest: str = ""

    @property
    def file(self) -> Path | None:
        """The file of a form that accepts only one; None if it has none."""
        return self.files[0] if self.files else None


class UploadReader(Generic[F]):
    """Reads one form. `parse` validates the fields: before a file's first byte if the field `required` has
    arrived by then, and always at the end, since fields may follow the file. `max_file_bytes` is the limit
    for all files together, and `advice` what a client should do who exceeds it."""

    def __init__(
        self,
        workspace: Path,
        room: WorkspaceRoom,
        max_file_bytes: int,
        idle_seconds: float,
        parse: Callable[[Fields], F],
        required: str,
        max_files: int = 1,
        advice: str = "split it",
    ) -> None:
        self._workspace = workspace
        self._room = room
        self._expected_bytes = 0  # still to be written, as far as it is known
        self._max_files = max_files
        self._advice = advice
        self._max_file_bytes = max_file_bytes
        self._idle_seconds = idle_seconds
        self._parse = parse
        self._required = required
        self._upload = Upload()
        self._header: list[bytes] = [b"", b""]
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._value = bytearray()
        self._unwritten: list[tuple[Path, bytes]] = []
        self._unwritten_bytes = 0
        self._sha256 = hashlib.sha256()
        self._file_bytes = 0
        self._clip_bytes = 0
        self._complete = False

    async def read(self, request: Request, rate: UploadRate) -> tuple[Upload, F]:
        """The form and the result of `parse`; its bytes are counted in `rate`. Raises what `parse` does,
        InvalidRequestError, UploadTimeoutError, UploadTooLargeError, InsufficientStorageError,
        ClientDisconnect."""
        self._expected_bytes = self._declared_bytes(request.headers.get("content-length", ""))
        await self._room.reserve(self._workspace, self._expected_bytes)
        try:
            parser = self._parser(request.headers.get("content-type", ""))
            async for data in self._body(request, rate):
                parser.write(data)
                if self._unwritten_bytes >= WRITE_BYTES:
                    await self._flush()
            await self._flush()
        except FormParserError as error:
            raise InvalidRequestError(f"The form could not be parsed: {error}.") from error
        except TimeoutError as error:
            raise UploadTimeoutError(f"No data came for {self._idle_seconds:g} s; send it again.") from error
        if not self._complete:
            raise InvalidRequestError("The form ends before its final boundary; send it again.")
        await self._room.reserve(self._workspace, 0)
        self._upload.digest = self._sha256.hexdigest()
        return self._upload, self._parse(self._upload.fields)

    async def _body(self, request: Request, rate: UploadRate) -> AsyncIterator[bytes]:
        """The body in pieces. A client that stalls, or sends hardly anything, would hold its admission
        forever."""
        stream, received = aiter(request.stream()), 0
        while True:
            async with timeout(self._idle_seconds):
                data = await anext(stream, None)
            if data is None:
                return
            if not rate.add(len(data)):
                raise UploadTimeoutError("The upload is too slow; send it again.")
            received += len(data)
            if received > self._max_file_bytes + self._clip_bytes + FORM_OVERHEAD_BYTES:
                raise self._too_large()
            yield data

    def _parser(self, content_type: str) -> MultipartParser:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data":
            raise UnsupportedMediaTypeError("Send the request as multipart/form-data with a 'file' part.")
        if not boundary:
            raise InvalidRequestError("The Content-Type header has no boundary.")
        callbacks = {
            "on_part_begin": self._begin_part,
            "on_part_data": self._part_data,
            "on_part_end": self._end_part,
            "on_header_field": lambda data, start, end: self._header_data(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._header_data(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_end": self._end,
        }
        return MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    def _declared_bytes(self, content_length: str) -> int:
        declared = int(content_length) if content_length.isascii() and content_length.isdigit() else 0
        if declared > self._max_file_bytes + MAX_CLIPS_BYTES + FORM_OVERHEAD_BYTES:
            raise self._too_large()
        return declared

    def _too_large(self) -> UploadTooLargeError:
        size = f"{self._max_file_bytes // 1024**2} MiB"
        what = "The file is" if self._max_files == 1 else "The files together are"
        return UploadTooLargeError(f"{what} larger than {size}; {self._advice}.")

    async def _flush(self) -> None:
        await self._room.reserve(self._workspace, max(self._expected_bytes, self._unwritten_bytes))
        self._expected_bytes -= self._unwritten_bytes
        with disk_full_translated():
            await finish_in_thread(self._write)

    def _write(self) -> None:
        for path, pieces in groupby(self._unwritten, key=itemgetter(0)):
            data = b"".join(piece for _, piece in pieces)
            with path.open("ab") as out:
                out.write(data)
            self._sha256.update(data)
        self._unwritten.clear()
        self._unwritten_bytes = 0

    def _begin_part(self) -> None:
        self._disposition, self._name, self._is_file = b"", "", False
        self._value.clear()

    def _header_data(self, index: int, data: bytes) -> None:
        self._header[index] += data

    def _end_header(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = self._header[1]
        self._header = [b"", b""]

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = unquote(options.get(b"name", b"").decode(errors="replace"))  # some send %5B for [
        self._is_file = b"filename" in options or self._name == "file"
        if not self._is_file:
            return
        number = len(self._upload.files)
        if self._name != "file" or number >= self._max_files:
            allowed = "one file" if self._max_files == 1 else f"at most {self._max_files} files"
            raise InvalidRequestError(f"Send {allowed}, as the part named 'file'.", param="file")
        self._upload.files.append(self._workspace / f"upload-{number}")  # never the client's filename
        self._unwritten.append((self._upload.files[-1], b""))  # creates the file even if it is empty
        self._upload.filename = options.get(b"filename", b"").decode(errors="replace")[:MAX_FILENAME]
        if any(name == self._required for name, _ in self._upload.fields):
            self._parse(self._upload.fields)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file_bytes += end - start
            if self._file_bytes > self._max_file_bytes:
                raise self._too_large()
            self._unwritten.append((self._upload.files[-1], data[start:end]))
            self._unwritten_bytes += end - start
            return
        self._value += data[start:end]
        name = self._name.partition("[")[0]
        if name == CLIPS_FIELD:
            self._clip_bytes += end - start
        limit = MAX_CLIP_BYTES if name == CLIPS_FIELD else MAX_FIELD_BYTES
        if len(self._value) > limit:
            raise InvalidRequestError(f"The field '{name}' may have at most {limit} bytes.", param=name)
        if self._clip_bytes > MAX_CLIPS_BYTES:
            raise InvalidRequestError(
                f"All '{name}' fields together may have at most {MAX_CLIPS_BYTES} bytes.", param=name
            )

    def _end_part(self) -> None:
        if self._is_file:
            return
        if len(self._upload.fields) >= MAX_FIELDS:
            raise InvalidRequestError(f"A form may have at most {MAX_FIELDS} fields.")
        self._upload.fields.append((self._name, self._value.decode(errors="replace")))

    def _end(self) -> None:
        self._complete = True
