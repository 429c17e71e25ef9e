"""Ranks of columns, ties broken at random, and what the screen makes of them: normal scores and cells of equal size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["Floats", "Ints", "cells_for", "cosines", "normal_scores", "random_ranks", "ranks_within"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_CELLS, MOST_CELLS = 4, 16


def random_ranks(values: Floats, rng: np.random.Generator) -> Ints:
    """Return the rank of each value, 0 to N - 1, equal values in a random order, (N,) -> (N,).

    Ranks with ties broken at random are uniform whatever the column, so that under independence any statistic of two
    columns of ranks has one distribution, which depends on N alone. The random order is independent of all other
    columns, so that it changes no mutual information.

    References:
        | On the distributional transform, Sklar's theorem, and the empirical copula process (Rüschendorf, 2009)
        | https://doi.org/10.1016/j.jspi.2009.05.030

    Example:
        >>> random_ranks(np.array([3.0, 1.0, 2.0]), np.random.default_rng(0)).tolist()
        [2, 0, 1]
    """
    shuffled = rng.permutation(len(values))
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    return _inverse(order)


def ranks_within(ranks: Ints, rows: NDArray[np.bool_]) -> Ints:
    """Return the ranks of the chosen rows among themselves, (N,) -> (M,).

    Arguments:
        ranks: Ranks without ties, (N,); those of rows that are not chosen may be anything.
        rows: The rows that are chosen, (N,).

    Example:
        >>> ranks_within(np.array([2, 0, 3, 1]), np.array([True, False, True, True])).tolist()
        [1, 2, 0]
    """
    return _inverse(np.argsort(ranks[rows], kind="stable"))


def cells_for(n: int) -> int:
    r"""Return the number of cells of equal size that a column of `n` rows is cut into, even and from 4 to 16.

    The cube root of `n` makes the squared bias from the width of the cells, of order :math:`K^{-4}`, and the variance
    of the table, of order :math:`K^2 / n`, shrink at the same rate.

    Example:
        >>> [cells_for(n) for n in (12, 100, 2000, 100_000)]
        [4, 4, 12, 16]
    """
    return int(np.clip(2 * round(n ** (1 / 3) / 2), FEWEST_CELLS, MOST_CELLS))


@lru_cache(maxsize=64)
def normal_scores(n: int) -> Floats:
    """Return the normal scores of ranks 0 to `n` - 1, with mean 0 and mean square 1, (n,)."""
    scores = np.asarray(ndtri((np.arange(n) + 0.5) / n), dtype=np.float64)
    return np.asarray(scores / np.sqrt(np.square(scores).mean()))


@lru_cache(maxsize=64)
def cosines(cells: int, n: int, order: int) -> Floats:
    r"""Return cosines of the cells, with mean 0 and variance 1 over `n` rows, (order, cells).

    .. math:: \phi_a(k) \propto \cos\big(\pi a (k + \tfrac{1}{2}) / K\big), \qquad a = 1, \dots, \text{order}

    They are made orthonormal under the shares of the cells, which differ by up to one row.
    """
    share = np.bincount(np.arange(n) * cells // n, minlength=cells) / n
    a, k = np.arange(1, order + 1)[:, None], np.arange(cells)
    raw = np.vstack([np.ones(cells), np.cos(np.pi * a * (k + 0.5) / cells)]) * np.sqrt(share)
    orthonormal = np.linalg.qr(raw.T)[0].T[1:]
    return np.asarray(orthonormal / np.sqrt(share), dtype=np.float64)


def _inverse(order: Ints) -> Ints:
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks
