"""The input file of a batch: its lines, validated, as jobs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from exceptions import InvalidRequestError, NotFoundError, TranscriptionServerError
from services.durable.batch_lines import MAX_LINE_BYTES, MAX_LINES, BatchLine, read_line
from services.durable.job_attempt import Work
from utils.store.records import Batch, BatchError, Job

MAX_ERRORS = 1000  # per input file; the rest is not read


class BatchInput:
    """Lines may refer to the files `file_ids`, those of `owner`."""

    def __init__(self, batch: Batch, owner: str, file_ids: frozenset[str], work: Work) -> None:
        self._batch = batch
        self._owner = owner
        self._file_ids = file_ids
        self._work = work
        self._custom_ids: set[str] = set()

    def read(self, path: Path) -> tuple[list[Job], list[BatchError]]:
        """Its lines as jobs, and its errors. Blocking."""
        jobs: list[Job] = []
        errors: list[BatchError] = []
        try:
            with path.open("rb") as file:
                for number, raw in _numbered(file):
                    try:
                        jobs.append(self._job(read_line(raw, self._batch.endpoint)))
                    except TranscriptionServerError as error:
                        errors.append(_batch_error(error, number))
                    if len(errors) == MAX_ERRORS or number > MAX_LINES:
                        break
        except FileNotFoundError:
            errors.append(BatchError(code="not_found", message="The input file was deleted."))
        if len(jobs) > MAX_LINES:
            errors.append(
                BatchError(code="too_many_lines", message=f"A batch has at most {MAX_LINES} lines.")
            )
        if not jobs and not errors:
            errors.append(BatchError(code="empty_file", message="The input file holds no requests."))
        return jobs, errors

    def _job(self, line: BatchLine) -> Job:
        if line.custom_id in self._custom_ids:
            raise InvalidRequestError(
                "Another line has this custom_id.", param="custom_id", code="duplicate_custom_id"
            )
        self._custom_ids.add(line.custom_id)
        if line.file_id not in self._file_ids:
            raise NotFoundError("body.file_id is not one of your files.", param="body.file_id")
        return Job(
            id=f"batch_req_{uuid.uuid4().hex}",
            owner=self._owner,
            endpoint=self._batch.endpoint,
            request=self._work.accept_line(self._batch.endpoint, line.fields),
            batch_id=self._batch.id,
            custom_id=line.custom_id,
            file_id=line.file_id,
        )


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines, with their numbers from 1."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line


def _batch_error(error: TranscriptionServerError, line: int) -> BatchError:
    return BatchError(
        code=error.code or "invalid_request", message=error.message, param=error.param, line=line
    )
