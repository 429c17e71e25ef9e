r"""Moments of the plug-in mutual information of independent columns with given margins.

Given the margins, the count of a cell of two independent columns is hypergeometric. The expectation of the plug-in
estimate is then a finite sum, exact for every size of table; a stratified table is a sum over strata.

References:
    | Information theoretic measures for clusterings comparison: variants, properties, normalization and correction for
      chance (Vinh, Epps and Bailey, 2010)
    | https://jmlr.org/papers/v11/vinh10a.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.numerics.contingency import ContingencyTable

__all__ = ["Moments", "independence_moments"]

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

REACH = 8.0
"""Counts further from their expectation, in standard deviations, are left out: their probability is below 1e-14."""


@dataclass(frozen=True)
class Moments:
    """The distribution of the plug-in estimate of independent columns with given margins.

    Attributes:
        mean: The expectation, in nats.
        std: The standard deviation, in nats.
    """

    mean: float
    std: float


@dataclass(frozen=True)
class _Groups:
    """All cells, empty ones included, grouped by their margins.

    Attributes:
        row: The group of levels of x of each group of cells, (G,).
        column: The group of levels of y of each group of cells, (G,).
        a: The margin of x, (G,).
        b: The margin of y, (G,).
        n: The rows of the stratum, (G,).
        cells: The number of cells, (G,).
    """

    row: Codes
    column: Codes
    a: Codes
    b: Codes
    n: Codes
    cells: Codes


def independence_moments(table: ContingencyTable) -> Moments:
    r"""Return the moments of the plug-in estimate under independence given the margins.

    The mean is exact,

    .. math:: \mathbb{E}[\hat I] = \frac{1}{N} \sum_{z, i, j} \mathbb{E}[n_{zij} \log n_{zij}]
              - \frac{1}{N} \sum_{z, i} n_{zi} \log n_{zi} - \frac{1}{N} \sum_{z, j} n_{zj} \log n_{zj}
              + \frac{1}{N} \sum_z n_z \log n_z

    For the variance, :math:`n \log n` is projected on a linear function of the count :math:`n` of its cell. The linear
    part has the variance of a linear permutation statistic, and the remainders are taken as uncorrelated.

    Example:
        >>> from mistcli.numerics.contingency import cross_tabulate
        >>> x, y = np.repeat([[0], [1]], 50, axis=0), np.tile([[0], [1]], (50, 1))
        >>> moments = independence_moments(cross_tabulate(x, y))
        >>> round(moments.mean, 4), round(moments.std, 4)  # about 1 / 2N and 1 / (N sqrt 2)
        (0.0051, 0.0072)
    """
    groups = _groups(table)
    first, residual, slope = _cell_moments(groups)
    margins = sum(float(c @ np.log(c)) for c in (table.x_counts, table.y_counts))
    total = float(groups.cells @ first) - margins + float(table.stratum_counts @ np.log(table.stratum_counts))
    shrink = (1 - groups.a / groups.n) * (1 - groups.b / groups.n) * groups.n / np.maximum(groups.n - 1, 1)
    curved = float(groups.cells @ np.divide(residual, shrink, out=np.zeros_like(residual), where=shrink > 0))
    variance = max(curved, 0.0) + _linear_variance(groups, slope)
    return Moments(max(total / table.n, 0.0), float(np.sqrt(variance)) / table.n)


def _groups(table: ContingencyTable) -> _Groups:
    """Group levels of equal counts, and pair the groups of each stratum."""
    xs, xc, x_levels = _margins(table.x_stratum, table.x_counts)
    ys, yc, y_levels = _margins(table.y_stratum, table.y_counts)
    per_stratum = np.bincount(ys, minlength=len(table.stratum_counts))
    first = np.cumsum(per_stratum) - per_stratum
    row = np.repeat(np.arange(len(xs)), per_stratum[xs])
    column = _ranges(per_stratum[xs]) + first[xs][row]
    return _Groups(row, column, xc[row], yc[column], table.stratum_counts[xs[row]], x_levels[row] * y_levels[column])


def _margins(stratum: Codes, counts: Codes) -> tuple[Codes, Codes, Codes]:
    """Return the stratum, the count and the number of levels of each group of levels."""
    most = int(counts.max()) + 1
    key, levels = np.unique(stratum * most + counts, return_counts=True)
    return key // most, key % most, levels


def _ranges(lengths: Codes) -> Codes:
    """Return 0, 1, ..., l - 1 for each length l, joined."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _cell_moments(groups: _Groups) -> tuple[Floats, Floats, Floats]:
    r"""Return the mean of :math:`k \log k`, the variance around its regression on k, and the slope, (G,) each."""
    from scipy.special import gammaln

    a, b, n = groups.a, groups.b, groups.n
    mean = a * (b / n)
    variance = mean * (1 - a / n) * (1 - b / n) * n / np.maximum(n - 1, 1)
    reach = REACH * np.sqrt(variance) + REACH
    low = np.maximum(np.maximum(a + b - n, 2), np.floor(mean - reach)).astype(np.int64)  # k log k is 0 at 0 and 1
    high = np.minimum(np.minimum(a, b), np.ceil(mean + reach)).astype(np.int64)
    lengths = np.maximum(high - low + 1, 0)
    at = np.repeat(np.arange(len(a)), lengths)
    k = _ranges(lengths) + low[at]
    log_factorial = gammaln(np.arange(int(n.max()) + 1) + 1.0)
    constant = log_factorial[a] + log_factorial[b] + log_factorial[n - a] + log_factorial[n - b] - log_factorial[n]
    a, b, n = a[at], b[at], n[at]
    log_p = constant[at] - log_factorial[k] - log_factorial[a - k] - log_factorial[b - k] - log_factorial[n - a - b + k]
    value, p = k * np.log(k), np.exp(log_p)
    first, second, mixed = (np.bincount(at, p * v, len(mean)) for v in (value, value * value, value * k))
    covariance = mixed - first * mean
    slope = np.divide(covariance, variance, out=np.zeros_like(mean), where=variance > 0)
    residual: Floats = second - first**2 - slope * covariance
    return np.asarray(first, dtype=np.float64), residual, slope


def _linear_variance(groups: _Groups, slope: Floats) -> float:
    r"""Return the variance of :math:`\sum_{ij} s_{ij} n_{ij}` under permutations, of slopes s centred on both sides."""
    row, column, n = groups.row, groups.column, groups.n
    share = groups.cells * groups.a * (groups.b / n)  # expected rows in the group
    centred = slope - _group_mean(slope, share, row)[row]
    centred -= _group_mean(centred, share, column)[column]
    return float((share * n / np.maximum(n - 1, 1)) @ centred**2)


def _group_mean(values: Floats, weights: Floats, group: Codes) -> Floats:
    mean: Floats = np.bincount(group, values * weights) / np.bincount(group, weights)
    return mean
