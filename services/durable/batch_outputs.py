"""The output files of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from models import Transcript
from services.durable.batch_lines import answer_line, unanswered_line
from services.durable.job_runner import Work
from utils.answers.json_blocks import as_value, written
from utils.store.records import Counts, Job

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

    def write(self, jobs: Iterable[tuple[Job, Transcript | None]], is_cancelled: bool) -> None:
        """Append jobs, each with its transcript if it is completed."""
        with self.answers.open("ab") as answers, self.errors.open("ab") as errors:
            for job, transcript in jobs:
                self._by_status[job.status] += 1
                if transcript is not None:
                    answers.writelines(self._answer(job, transcript))
                else:
                    errors.writelines(_error(job, is_cancelled))

    def _answer(self, job: Job, transcript: Transcript) -> Iterator[bytes]:
        return answer_line(job.id, job.custom_id, 200, as_value(*self._work.render(job, transcript)))


def _error(job: Job, is_cancelled: bool) -> Iterable[bytes]:
    if job.error is not None:
        body = [written({"error": job.error["error"]})]
        return answer_line(job.id, job.custom_id, job.error["status"], body)
    code, message = CANCELLED if is_cancelled else EXPIRED
    return [unanswered_line(job.id, job.custom_id, code, message)]
