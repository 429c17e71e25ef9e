"""Mutual information of pairs of discrete columns by their tables, however sparse, and its p-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from mistcli.matrix.copula_cells import poisson_moments
from mistcli.matrix.null import gamma_tail
from mistcli.matrix.ranks import Floats, Ints

__all__ = ["Tabled", "chi_square_moments", "tabled"]

LEAST = 1e-12


@dataclass(frozen=True)
class Tabled:
    """What a table says of a pair.

    Arguments:
        mi: The mutual information, in nats.
        stderr: Its standard error, in nats.
        p_value: The p-value of independence.
        least_entropy: The smaller of the entropies of both columns, in nats.
    """

    mi: float
    stderr: float
    p_value: float
    least_entropy: float


def tabled(x: Ints, y: Ints) -> Tabled:
    r"""Return the mutual information of two columns of codes, (N,) each, by their table.

    .. math:: I(X; Y) \approx \sum_{i, j} \frac{n_{ij}}{N} \log \frac{n_{ij} N}{n_i n_j}
              - \frac{1}{N} \Big( \sum_{i, j} b(\lambda_{ij}) - \frac{K_x + K_y - 1}{2} \Big)

    with the expected excess :math:`b(\lambda)` of :math:`C \log(C / \lambda)` for a Poisson count: 1/2 for many rows a
    cell, as in the correction of Miller and Madow, and less for few. What is expected of a cell lies between its count
    and independence, nearer to its count where the table differs from independence by more than chance:

    .. math:: \lambda_{ij} = w \frac{n_i n_j}{N} + (1 - w) n_{ij}, \qquad w = \min(1, \mathbb{E}_0 X^2 / X^2)

    The p-value is that of Pearson's :math:`X^2` under a gamma distribution with the exact mean and variance of all
    tables with these margins; it holds for sparse tables too.

    References:
        | The mean and variance of chi-square, when used as a test of homogeneity, when expectations are small
          (Haldane, 1940)
        | https://doi.org/10.1093/biomet/31.3-4.346
        | Estimation with quadratic loss (James and Stein, 1961)
        | https://projecteuclid.org/euclid.bsmsp/1200512173

    Example:
        >>> x = np.repeat([0, 1], 500)
        >>> round(tabled(x, 1 - x).mi, 3)  # log 2
        0.693
    """
    n = len(x)
    rows, columns = np.bincount(x), np.bincount(y)
    cells, counted = np.unique(x * len(columns) + y, return_counts=True)
    apart = rows[cells // len(columns)] * columns[cells % len(columns)] / n
    ratio = np.log(counted / apart)
    value = float(counted @ ratio / n)
    square = float(np.sum(np.square(counted) / apart) - n)
    rows, columns = rows[rows > 0], columns[columns > 0]
    if min(len(rows), len(columns)) == 1:
        return Tabled(0.0, 0.0, 1.0, 0.0)
    mean, variance = chi_square_moments(rows, columns)
    weight = min(1.0, mean / max(square, LEAST))
    bias = _bias(rows, columns, weight, weight * apart, (1 - weight) * counted)
    spread = float(np.sqrt(max(counted @ np.square(ratio) / n - value**2, 0.0) / n))
    floor = float(np.sqrt((len(rows) - 1) * (len(columns) - 1) / 2)) / n
    p_value = float(gamma_tail(np.array(square), np.array(mean), np.array(variance)))
    entropy = min(float(np.log(n) - xlogy(side, side).sum() / n) for side in (rows, columns))
    return Tabled(value - bias, max(spread, floor), max(p_value, 1e-300), entropy)


def chi_square_moments(rows: Ints, columns: Ints) -> tuple[float, float]:
    """Return mean and variance of Pearson's statistic over all tables with these margins.

    Example:
        >>> mean, variance = chi_square_moments(np.array([10, 10]), np.array([10, 10]))
        >>> round(mean, 4), round(variance, 4)
        (1.0526, 2.1118)
    """
    n = int(rows.sum())
    freedom, uneven = [], []
    for margin in (rows, columns):
        size = len(margin)
        freedom.append((size - 1) * (n - size) / (n - 1))
        uneven.append((n * float(np.sum(1 / margin)) - size**2) / max(n - 2, 1))
    mean = n / (n - 1) * (len(rows) - 1) * (len(columns) - 1)
    variance = 2 * n / max(n - 3, 1) * (freedom[0] - uneven[0]) * (freedom[1] - uneven[1])
    variance += n**2 / (n - 1) * uneven[0] * uneven[1]
    return mean, max(variance, LEAST)


def _bias(rows: Ints, columns: Ints, weight: float, apart: Floats, kept: Floats) -> float:
    """Return by how much the table tells too much, in nats.

    Cells with the same margins are expected to hold the same, so that a table of many levels has few different ones.
    """
    n = rows.sum()
    (first, many), (second, often) = (np.unique(margin, return_counts=True) for margin in (rows, columns))
    mean = poisson_moments(weight * np.outer(first, second) / n)[0]
    seen = poisson_moments(apart + kept)[0] - poisson_moments(apart)[0]
    return float((many @ mean @ often + seen.sum() - (len(rows) + len(columns) - 1) / 2) / n)
