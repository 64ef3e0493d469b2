"""What a batch leaves behind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from services.job_runner import Work
from utils.batch_lines import answer_line, unanswered_line
from utils.batch_store import Counts
from utils.job_store import Job
from utils.transcript_lines import read_transcript


class BatchOutputs:
    """The two files of a batch while they are written, in the order of its input."""

    def __init__(self, workspace: Path, work: Work) -> None:
        self.answers = workspace / "output.jsonl"
        self.errors = workspace / "errors.jsonl"
        self.answers.touch()
        self.errors.touch()
        self._work = work
        self._numbers = Counter[str]()

    @property
    def unanswered(self) -> int:
        return self._numbers["cancelled"]

    def counts(self) -> Counts:
        return Counts(
            total=self._numbers.total(),
            completed=self._numbers["completed"],
            failed=self._numbers.total() - self._numbers["completed"],
        )

    def write(self, jobs: Sequence[tuple[int, Job]], is_cancelled: bool) -> int | None:
        """The number of the last, None when there were none."""
        with self.answers.open("ab") as answers, self.errors.open("ab") as errors:
            for _, job in jobs:
                self._numbers[job.status] += 1
                out = answers if job.status == "completed" else errors
                out.write(self._line(job, is_cancelled))
        return jobs[-1][0] if jobs else None

    def _line(self, job: Job, is_cancelled: bool) -> bytes:
        if job.transcript is not None:
            transcript = read_transcript(BytesIO(job.transcript), self.answers.parent)
            blocks, media_type = self._work.render(job, transcript)
            body = b"".join(blocks)
            answer = json.loads(body) if media_type == "application/json" else body.decode()
            return answer_line(job.id, job.custom_id, 200, answer)
        if job.error is not None:
            return answer_line(job.id, job.custom_id, job.error["status"], {"error": job.error["error"]})
        if is_cancelled:
            return unanswered_line(job.id, job.custom_id, "batch_cancelled", "The batch was cancelled.")
        return unanswered_line(
            job.id, job.custom_id, "batch_expired", "The batch expired before this request was done."
        )
