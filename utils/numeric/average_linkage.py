"""Average linkage (UPGMA) by chains of nearest neighbours (Müllner 2011, arXiv:1109.2378). Pure numpy.

The linking of chunks has its own: it must keep voices apart, and stops long before all are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Merges:
    """The n - 1 merges of n items by rising height: `pairs` (n - 1, 2) has an item of either cluster,
    `heights` (n - 1,) the mean distance between the two; `leaves` (n,) are the items along the tree: of two
    clusters the older first, single items last. Clusters are numbered along it, as in scipy."""

    pairs: Indices
    heights: Matrix
    leaves: Indices

    def at_height(self, height: float) -> Indices:
        """(n,) cluster labels when every merge up to `height` is made."""
        return self._labels(int(np.searchsorted(self.heights, height, side="right")))

    def into(self, clusters: int) -> Indices:
        """(n,) labels of so many clusters, from 1 to n."""
        return self._labels(len(self.pairs) + 1 - clusters)

    def _labels(self, number: int) -> Indices:
        clusters = np.arange(len(self.leaves))
        for keep, drop in self.pairs[:number]:
            clusters[clusters == clusters[drop]] = clusters[keep]
        numbers = {
            cluster: label for label, cluster in enumerate(dict.fromkeys(clusters[self.leaves].tolist()))
        }
        return np.array([numbers[cluster] for cluster in clusters.tolist()])


def average_linkage(distances: npt.NDArray[np.floating]) -> Merges:
    """Of n > 0 items with symmetric, finite `distances` (n, n), in time and memory quadratic in n.

    A chain goes from cluster to nearest neighbour until two are each other's. To merge them at once, before
    pairs that are closer, gives the same tree, since a mean never comes closer than the nearer of its parts.
    """
    if not np.isfinite(distances).all():
        raise ValueError("distances must be finite")
    number = len(distances)
    apart = distances.astype(np.float64)
    np.fill_diagonal(apart, np.inf)
    sizes = np.ones(number)
    pairs = np.empty((number - 1, 2), np.int64)
    heights = np.empty(number - 1)
    chain: list[int] = []
    for step in range(number - 1):
        chain = chain or [int(sizes.argmax())]  # any that is left
        drop, keep = _follow(chain, apart)
        pairs[step], heights[step] = (keep, drop), apart[keep, drop]
        both = sizes[keep] + sizes[drop]
        merged = (sizes[keep] * apart[keep] + sizes[drop] * apart[drop]) / both
        merged[[keep, drop]] = np.inf
        apart[keep] = apart[:, keep] = merged
        apart[drop] = apart[:, drop] = np.inf
        sizes[keep], sizes[drop] = both, 0
    order = np.argsort(heights, kind="stable")
    return Merges(pairs[order], heights[order], _leaves(pairs[order]))


def _leaves(pairs: Indices) -> Indices:
    """The items along the tree of these merges."""
    number = len(pairs) + 1
    clusters = np.arange(number)  # of each item; later ones have higher numbers
    along = {item: [item] for item in range(number)}
    for merged, pair in enumerate(pairs, number):
        first, second = sorted(clusters[pair].tolist(), key=lambda cluster: (cluster < number, cluster))
        along[merged] = along.pop(first) + along.pop(second)
        clusters[along[merged]] = merged
    return np.array(along[2 * number - 2])


def _follow(chain: list[int], apart: Matrix) -> tuple[int, int]:
    """Extends the chain until its last two are nearest neighbours, and takes those off it."""
    while True:
        row = apart[chain[-1]]
        nearest = int(row.argmin())
        if len(chain) > 1 and row[chain[-2]] <= row[nearest]:  # on a tie back, or the chain would never end
            return chain.pop(), chain.pop()
        chain.append(nearest)
