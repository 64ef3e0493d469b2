"""How many transcriptions are in the house."""

from __future__ import annotations

import pytest

from exceptions import OverloadedError
from utils.admission import Admission


def test_one_too_many_is_turned_away_and_may_come_back() -> None:
    admission = Admission(2)
    with admission.enter("a"), admission.enter("b"):
        with pytest.raises(OverloadedError) as caught, admission.enter("c"):
            pytest.fail("must not be let in")
        assert (caught.value.status, caught.value.retry_after) == (429, 5)
        assert [progress.request_id for progress in admission.inside] == ["a", "b"]
    with admission.enter("c"):
        assert [progress.request_id for progress in admission.inside] == ["c"]


def test_a_failed_request_leaves_its_place() -> None:
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.enter("a"):
        raise ZeroDivisionError
    assert admission.inside == []


def test_requests_of_one_name_are_told_apart() -> None:
    admission = Admission(2)
    with admission.enter("same") as first:
        with admission.enter("same"):
            pass
        (left,) = admission.inside
        assert left is first
