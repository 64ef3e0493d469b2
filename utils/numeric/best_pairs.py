"""The best assignment of rows to columns, by shortest augmenting paths (Crouse 2016,
doi:10.1109/TAES.2016.140952). Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


def best_pairs(gain: npt.NDArray[np.floating]) -> list[tuple[int, int]]:
    """Pairs (row, column) with the greatest sum of `gain` (n, m), finite: min(n, m) of them, by row; no row
    and no column is in two."""
    if len(gain) > gain.shape[1]:
        return sorted((row, column) for column, row in best_pairs(gain.T))
    cost = -gain.astype(np.float64)
    row_of = np.full(cost.shape[1], -1)
    potentials = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    for row in range(len(cost)):
        _assign(row, cost, row_of, *potentials)
    return sorted((int(row), column) for column, row in enumerate(row_of) if row >= 0)


def _assign(row: int, cost: Matrix, row_of: Indices, rows: Matrix, columns: Matrix) -> None:
    """Gives `row` a column along the shortest path to a free one (Dijkstra, on costs less the potentials
    `rows` and `columns`); the rows on the path move on to the next column."""
    length = np.full(len(row_of), np.inf)  # of the shortest path to each column
    before = np.full(len(row_of), -1)  # the row from which it comes
    is_done = np.zeros(len(row_of), np.bool_)
    current, shortest = row, 0.0
    while True:
        through = shortest + cost[current] - rows[current] - columns
        shorter = ~is_done & (through < length)
        length[shorter], before[shorter] = through[shorter], current
        column = int(np.where(is_done, np.inf, length).argmin())
        shortest = float(length[column])
        if row_of[column] < 0:
            break
        is_done[column] = True
        current = int(row_of[column])
    rows[row] += shortest
    rows[row_of[is_done]] += shortest - length[is_done]
    columns[is_done] -= shortest - length[is_done]
    while True:
        previous = int(before[column])
        taken = np.flatnonzero(row_of == previous)
        row_of[column] = previous
        if previous == row:
            return
        column = int(taken[0])
