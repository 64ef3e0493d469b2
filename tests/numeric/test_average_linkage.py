from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage
from scipy.spatial.distance import squareform

from tests.builders import thorough
from utils.numeric.average_linkage import average_linkage


def distances_of(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(rows[:, None] - rows).sum(axis=2))


def distances(number: int, seed: int = 0) -> np.ndarray:
    return distances_of(np.random.default_rng(seed).normal(size=(number, 4)))


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@thorough
@given(st.integers(2, 40), st.integers(0, 10**6), st.floats(0.01, 10))
def test_the_tree_is_that_of_scipy(number: int, seed: int, height: float) -> None:
    apart = distances(number, seed)
    theirs, ours = linkage(squareform(apart), "average"), average_linkage(apart)
    assert np.allclose(ours.heights, theirs[:, 2])
    assert (ours.at_height(height) + 1).tolist() == fcluster(theirs, height, "distance").tolist()
    for clusters in range(1, number + 1):
        assert partition(ours.into(clusters)) == partition(cut_tree(theirs, clusters)[:, 0])


@thorough
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 20))
def test_ties_are_broken_within_equals(places: list[int], clusters: int) -> None:
    """Whichever of equally close pairs is merged first, what lies at one place is together first."""
    apart = distances_of(np.array(places)[:, None])
    merges = average_linkage(apart)
    assert (np.diff(merges.heights) >= 0).all()
    together = {frozenset(i for i, at in enumerate(places) if at == place) for place in set(places)}
    assert partition(merges.at_height(0)) == together
    assert len(partition(merges.into(min(clusters, len(places))))) == min(clusters, len(places))


def test_one_item_is_one_cluster() -> None:
    merges = average_linkage(np.zeros((1, 1)))
    assert merges.at_height(1).tolist() == merges.into(1).tolist() == [0]


def test_two_items_are_merged_at_their_distance() -> None:
    merges = average_linkage(np.array([[0, 2], [2, 0]]))
    assert len(partition(merges.at_height(1.9))) == 2
    assert len(partition(merges.at_height(2))) == 1


def test_what_is_no_distance_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        average_linkage(np.full((3, 3), np.nan))


@pytest.mark.parametrize("are_equal", [False, True])
def test_many_items_take_no_longer_than_quadratic_time(are_equal: bool) -> None:
    """Also where all are alike, in which case every item is everybody's nearest neighbour."""

    def seconds(number: int) -> float:
        apart = np.ones((number, number)) if are_equal else distances(number)
        start = time.thread_time()
        average_linkage(apart)
        return time.thread_time() - start

    assert seconds(800) < 16 * max(min(seconds(200) for _ in range(3)), 0.005)  # cubic: 64 times as long
