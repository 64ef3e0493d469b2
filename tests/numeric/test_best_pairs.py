from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tests.builders import thorough
from utils.numeric.best_pairs import best_pairs

sizes = st.integers(0, 12)


def total(gain: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
    assert len(set(rows)) == len(set(columns)) == len(pairs) == min(gain.shape)
    assert rows == sorted(rows)
    return float(gain[rows, columns].sum())


@thorough
@given(sizes, sizes, st.integers(0, 10**6))
def test_the_pairs_are_those_of_scipy(rows: int, columns: int, seed: int) -> None:
    gain = np.random.default_rng(seed).normal(size=(rows, columns))
    assert best_pairs(gain) == list(
        zip(*map(np.ndarray.tolist, linear_sum_assignment(gain, True)), strict=True)
    )


@thorough
@given(sizes, sizes, st.integers(0, 10**6))
def test_with_ties_the_sum_is_that_of_scipy(rows: int, columns: int, seed: int) -> None:
    gain = np.random.default_rng(seed).integers(-2, 3, size=(rows, columns)).astype(float)
    assert total(gain, best_pairs(gain)) == gain[linear_sum_assignment(gain, True)].sum()


def test_hundreds_of_rows_and_columns_are_paired() -> None:
    gain = np.random.default_rng(0).normal(size=(200, 300))
    assert total(gain, best_pairs(gain)) == pytest.approx(gain[linear_sum_assignment(gain, True)].sum())
