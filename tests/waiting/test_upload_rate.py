"""How slow an upload may be."""

from __future__ import annotations

import pytest

from utils.waiting.upload_rate import GRACE_SECONDS, LEAST_RATE, WINDOW_SECONDS, UploadRate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("rate", "is_accepted"), [(LEAST_RATE / 10, False), (LEAST_RATE * 1.1, True)])
def test_an_upload_is_judged_once_a_window(rate: float, is_accepted: bool) -> None:
    clock = Clock()
    upload = UploadRate(clock)
    judged = []
    for _ in range(int(3 * WINDOW_SECONDS)):
        clock.now += 1
        judged.append(upload.add(int(rate)))
    assert all(judged) == is_accepted
    assert judged.count(False) == (0 if is_accepted else 3)


def test_a_fast_start_does_not_pay_for_a_stall() -> None:
    clock = Clock()
    upload = UploadRate(clock)
    assert upload.add(100_000_000)
    clock.now = WINDOW_SECONDS
    assert upload.add(1)
    clock.now = 2 * WINDOW_SECONDS
    assert not upload.add(1)


def test_a_new_upload_is_not_slow_yet() -> None:
    clock = Clock()
    upload = UploadRate(clock)
    assert not upload.is_slow()
    clock.now = GRACE_SECONDS
    assert upload.is_slow()
    upload.add(int(GRACE_SECONDS * LEAST_RATE))
    assert not upload.is_slow()
