"""Nearest neighbours of one column a side, for many pairs in a row: the second level."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma

from mistcli.matrix.ranks import Floats, Ints, normal_scores
from mistcli.numerics.neighbours import SHARED, beyond, within

__all__ = ["class_neighbours", "continuous_neighbours"]

NEIGHBOURS = 3


def continuous_neighbours(x: Ints, y: Ints, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Return the mutual information of two columns by the distances of their normal scores, and its error, in nats.

    The value is that of the estimator `ksg` (algorithm 1) on normal scores; all columns of scores hold the same
    numbers, which makes counting quick.

    References:
        | Estimating mutual information (Kraskov, Stögbauer and Grassberger, 2004)
        | https://arxiv.org/abs/cond-mat/0305641

    Arguments:
        x: Ranks without ties, (N,).
        y: The same of the other column.
        k: The number of neighbours.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ranks = rng.permutation(500)
        >>> abs(continuous_neighbours(ranks, rng.permutation(500))[0]) < 0.1
        True
    """
    n = len(x)
    line = normal_scores(n)
    points = np.column_stack([line[x], line[y]])
    distance, _ = cKDTree(points).query(points, k=[k + 1], p=np.inf)
    reach = within(np.asarray(distance)[:, 0])
    counts = [_near(line, side, reach) for side in points.T]
    return _mean(digamma(k) + digamma(n) - digamma(counts[0]) - digamma(counts[1]))


def class_neighbours(classes: Ints, ranks: Ints, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Return the mutual information of classes and a continuous column by its normal scores, and its error, in nats.

    The value is that of the estimator `ross` on normal scores.

    References:
        | Mutual information between discrete and continuous data sets (Ross, 2014)
        | https://doi.org/10.1371/journal.pone.0087357

    Arguments:
        classes: Codes, (N,).
        ranks: Ranks without ties, (N,).
        k: The number of neighbours.

    Example:
        >>> classes = np.repeat([0, 1], 200)
        >>> round(class_neighbours(classes, np.arange(400))[0], 2)  # log 2
        0.69
    """
    n = len(ranks)
    line = normal_scores(n)
    terms = np.zeros(n)
    by_class = np.lexsort((ranks, classes))
    starts = np.flatnonzero(np.diff(classes[by_class], prepend=-1))
    for rows in np.split(by_class, starts[1:]):
        take = min(k, len(rows) - 1)
        if take:
            scores = line[ranks[rows]]
            near = _near(line, scores, beyond(_nearest(scores, take))) - 1
            terms[rows] = digamma(n) + digamma(take) - digamma(len(rows)) - digamma(near)
    return _mean(terms)


def _nearest(line: Floats, k: int) -> Floats:
    """Return the distance of the `k`-th nearest of sorted numbers from each of them, (N,) -> (N,)."""
    n = len(line)
    padded = np.concatenate([np.full(k, -np.inf), line, np.full(k, np.inf)])
    reach = np.full(n, np.inf)
    for below in range(k + 1):
        low, high = padded[k - below : k - below + n], padded[2 * k - below : 2 * k - below + n]
        np.minimum(reach, np.maximum(line - low, high - line), out=reach)
    return reach


def _near(line: Floats, points: Floats, reach: Floats) -> Ints:
    """Count the numbers of a sorted line that are within reach of each point."""
    return np.searchsorted(line, points + reach, side="right") - np.searchsorted(line, points - reach, side="left")


def _mean(terms: Floats) -> tuple[float, float]:
    return float(terms.mean()), SHARED * float(terms.std()) / float(np.sqrt(len(terms)))
