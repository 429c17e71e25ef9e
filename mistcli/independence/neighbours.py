"""The nearest neighbours of each row on one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["distance", "nearest_by_distance", "nearest_by_rank"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEW_COLUMNS = 10
"""Up to so many columns a k-d tree finds neighbours faster than a comparison of all pairs."""

CHUNK = 2**24
"""The most distances that are held at once."""


def distance(a: Floats, b: Floats) -> Floats:
    """Return the Euclidean distance of each row of `a` to that of `b`, (N, D), (N, D) -> (N,)."""
    apart: Floats = np.abs(a[:, 0] - b[:, 0]) if a.shape[1] == 1 else np.sqrt(np.square(a - b).sum(1))
    return apart


def nearest_by_rank(ranks: Rows, half: int) -> Rows:
    """Return the rows whose ranks are nearest, `half` on each side, or as many further ones at the ends.

    Arguments:
        ranks: The ranks from 0, (N,).
        half: Half of the number of neighbours.

    Returns:
        The neighbours of each row, (N, 2 half).

    Example:
        >>> nearest_by_rank(np.array([0, 1, 2, 3]), 1).tolist()
        [[1, 2], [0, 2], [1, 3], [1, 2]]
    """
    n = len(ranks)
    order = np.argsort(ranks)
    first = np.clip(ranks - half, 0, n - 2 * half - 1)
    place = first[:, None] + np.arange(2 * half)
    place += place >= ranks[:, None]
    neighbours: Rows = order[place]
    return neighbours


def nearest_by_distance(points: Floats, k: int) -> tuple[Rows, Floats]:
    """Return the `k` nearest rows in Euclidean distance, (N, k), and the distance of the last of them, (N,)."""
    if points.shape[1] <= FEW_COLUMNS:
        from scipy.spatial import cKDTree

        found, places = map(np.asarray, cKDTree(points).query(points, k=k + 1))
        return _others(places.astype(np.int64)), found[:, -1]
    square = np.square(points).sum(1)
    rows = max(1, CHUNK // len(points))
    neighbours, reach = [], []
    for start in range(0, len(points), rows):
        part = slice(start, start + rows)
        apart = square[part, None] + square - 2 * points[part] @ points.T
        np.put_along_axis(apart, np.arange(len(points))[part, None], -1.0, axis=1)
        places = np.argpartition(apart, k, axis=1)[:, : k + 1]
        neighbours.append(places)
        reach.append(np.sqrt(np.maximum(np.take_along_axis(apart, places, 1).max(1), 0.0)))
    return _others(np.concatenate(neighbours)), np.concatenate(reach)


def _others(places: Rows) -> Rows:
    """Return the places without that of the row itself, (N, k + 1) -> (N, k); without the last where it is missing."""
    own = places == np.arange(len(places))[:, None]
    own[~own.any(1), -1] = True
    others: Rows = places[~own].reshape(len(places), -1)
    return others
