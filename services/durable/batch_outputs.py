"""The output files of a batch."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from exceptions import UnexpectedError
from models import Transcript
from services.durable.batch_lines import answer_line, unanswered_line
from services.durable.job_attempt import Work
from utils.answers.json_blocks import as_value, written
from utils.store.records import Counts, Job

logger = logging.getLogger(__name__)

CANCELLED = ("batch_cancelled", "The batch was cancelled.")
EXPIRED = ("batch_expired", "The batch expired before this request was done.")


class BatchOutputs:
    """Writes the two output files of a batch, in the order of its input."""

    def __init__(self, workspace: Path, work: Work) -> None:
        self.answers = workspace / "output.jsonl"
        self.errors = workspace / "errors.jsonl"
        self.answers.touch()
        self.errors.touch()
        self._work = work
        self._by_status = Counter[str]()

    @property
    def unanswered(self) -> int:
        return self._by_status["cancelled"]

    def counts(self) -> Counts:
        return Counts(
            total=self._by_status.total(),
            completed=self._by_status["completed"],
            failed=self._by_status.total() - self._by_status["completed"],
        )

    def write(self, job: Job, transcript: Transcript | None, is_cancelled: bool) -> None:
        """Append a job with its transcript, if it is completed. One that cannot be rendered becomes an error,
        and leaves no half line among the answers. Raises OSError."""
        with self.answers.open("ab") as answers, self.errors.open("ab") as errors:
            if transcript is not None and self._has_answered(job, transcript, answers):
                self._by_status["completed"] += 1
            elif job.status == "completed":
                self._by_status["failed"] += 1
                errors.writelines(_answer_error(job, UnexpectedError.status, UnexpectedError().body))
            else:
                self._by_status[job.status] += 1
                errors.writelines(_error(job, is_cancelled))

    def _has_answered(self, job: Job, transcript: Transcript, answers: BinaryIO) -> bool:
        start = answers.seek(0, SEEK_END)
        try:
            body = as_value(*self._work.render(job, transcript))
            answers.writelines(answer_line(job.id, job.custom_id, 200, body))
        except OSError:
            raise
        except Exception:
            logger.exception("%s cannot be rendered", job.id)
            answers.truncate(start)
            return False
        return True


def _error(job: Job, is_cancelled: bool) -> Iterable[bytes]:
    if job.error is not None:
        return _answer_error(job, job.error["status"], job.error["error"])
    code, message = CANCELLED if is_cancelled else EXPIRED
    return [unanswered_line(job.id, job.custom_id, code, message)]


def _answer_error(job: Job, status: int, error: Mapping[str, object]) -> Iterable[bytes]:
    return answer_line(job.id, job.custom_id, status, [written({"error": error})])
