r"""How the statistics of the screen are distributed where two columns are independent.

Each pair has several statistics, one for every scale of dependence. Their p-values are combined by the smallest,
and the smallest is calibrated: for continuous columns on a table of pairs of random permutations, which is exact for
ranks with ties broken at random, and the same for all pairs; with a discrete column by the limit of many rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, stdtr

from mistcli.matrix.ranks import Floats, Ints, cells_for, cosines, normal_scores

__all__ = [
    "SCALES",
    "Null",
    "calibrated",
    "class_null",
    "gamma_tail",
    "permutation_null",
    "random_columns",
    "smooth_statistics",
    "t_tail",
]

SCALES = (2, 4, 8)
"""The number of cosines a side of the statistics of two continuous columns: from the coarsest shape to the finest."""

COLUMNS = 200
"""Random columns, all pairs of which are the table: 19,900 pairs, any two of which are independent of each other."""

PART = 25
"""Random columns that are paired with all after them at once; bounds memory and work, not results."""

TAIL = 50
"""The rank in the table below which p-values go on in proportion to the smallest p-value of a pair."""

TINY = 1e-300


@dataclass(frozen=True)
class Null:
    """The distribution of statistics under independence.

    Arguments:
        mean: The mean of each statistic, (S,).
        variance: Its variance, (S,).
        smallest: The smallest p-values of independent pairs, sorted, (B,).
    """

    mean: Floats
    variance: Floats
    smallest: Floats


def random_columns(n: int, columns: int = COLUMNS) -> Ints:
    """Return random permutations of 0 to `n` - 1, always the same for one `n`, (n, columns)."""
    rng = np.random.default_rng([n, 14])
    return rng.permuted(np.broadcast_to(np.arange(n)[:, None], (n, columns)), axis=0)


@lru_cache(maxsize=64)
def permutation_null(n: int) -> Null:
    """Return the distribution for two continuous columns of `n` rows, from all pairs of random permutations."""
    cells = cells_for(n)
    ranks = random_columns(n)
    basis = cosines(cells, n, min(max(SCALES), cells - 1)).T.astype(np.float32)
    features, scores = basis[ranks * cells // n], normal_scores(n)[ranks]
    correlation, smooth = [], []
    for first in range(0, COLUMNS, PART):
        rows, columns = slice(first, first + PART), slice(first, None)
        above = np.arange(COLUMNS)[rows, None] < np.arange(COLUMNS)[columns]
        product = np.tensordot(features[:, rows], features[:, columns], (0, 0)).transpose(0, 2, 1, 3)[above] / n
        smooth.append(_sums(product, n))
        correlation.append((scores[:, rows].T @ scores[:, columns] / n)[above])
    statistics = np.concatenate(smooth)
    mean, variance = statistics.mean(0), statistics.var(0)
    smallest = np.minimum(t_tail(np.concatenate(correlation), n), gamma_tail(statistics, mean, variance).min(1))
    return Null(mean, variance, np.sort(smallest))


@lru_cache(maxsize=64)
def class_null(classes: int) -> Floats:
    """Return smallest p-values for a column of `classes` levels beside a continuous one, in the limit, (B,), sorted."""
    rng = np.random.default_rng([classes, 15])
    steps = np.diff((0, 1, *SCALES))
    parts = np.stack([rng.chisquare((classes - 1) * step, 20_000) for step in steps], 1)
    degrees = (classes - 1) * np.cumsum(steps)
    return np.sort(gammaincc(degrees / 2, parts.cumsum(1) / 2).min(1))


def smooth_statistics(table: Floats, n: int) -> Floats:
    r"""Return statistics of the dependence of cells of equal size, at each of the `SCALES`.

    .. math:: S_d = (n - 1) \sum_{a, b \le d} A_{ab}^2, \qquad A_{ab} = \frac{1}{n} \sum_i \phi_a(x_i) \phi_b(y_i)

    with cosines :math:`\phi_a` of mean 0 and variance 1: under independence the mean of :math:`S_d` is :math:`d^2`.

    References:
        | Smooth test for goodness of fit (Neyman, 1937)
        | https://doi.org/10.1080/03461238.1937.10404821
        | Data-driven rank tests for independence (Kallenberg and Ledwina, 1999)
        | https://doi.org/10.1080/01621459.1999.10473844

    Arguments:
        table: Counts, (..., K, K).
        n: The number of rows.

    Returns:
        The statistics, (..., S).
    """
    basis = cosines(table.shape[-1], n, min(max(SCALES), table.shape[-1] - 1))
    return _sums(basis @ (table @ basis.T) / n, n)


def _sums(product: NDArray[np.floating[Any]], n: int) -> Floats:
    square = np.square(product, dtype=np.float64)
    return (n - 1) * np.stack([square[..., :d, :d].sum((-2, -1)) for d in SCALES], -1)


def gamma_tail(statistic: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the probability of larger values under the gamma distribution with this mean and variance."""
    return np.asarray(gammaincc(np.square(mean) / variance, statistic * mean / variance), dtype=np.float64)


def t_tail(correlation: Floats, n: int | Ints) -> Floats:
    """Return the two-sided p-value of a correlation of `n` rows."""
    freedom = np.maximum(np.asarray(n) - 2, 1)
    rest = np.maximum(1 - np.square(correlation), TINY)
    return np.asarray(2 * stdtr(freedom, -np.abs(correlation) * np.sqrt(freedom / rest)), dtype=np.float64)


def calibrated(smallest: Floats, null: Floats) -> NDArray[np.float64]:
    r"""Return the p-value of the smallest of several p-values, by their distribution under independence.

    .. math:: p = \frac{1 + \#\{b : p_b \le p_{\min}\}}{1 + B}

    Below the 50th smallest of the table, where the count says little, p goes on in proportion to :math:`p_{\min}`.

    Arguments:
        smallest: The smallest p-value of each pair.
        null: Those of independent pairs, sorted, (B,).

    Example:
        >>> null = np.sort(np.random.default_rng(0).uniform(size=999))
        >>> np.round(calibrated(np.array([0.5, 1e-6]), null), 6).tolist()
        [0.473, 1e-06]
    """
    place = min(TAIL, len(null)) - 1
    counted = (1 + np.searchsorted(null, smallest, side="right")) / (1 + len(null))
    slope = (2 + place) / (1 + len(null)) / max(null[place], TINY)
    return np.where(smallest < null[place], np.maximum(slope * smallest, TINY), counted)
