r"""Empirical-Bayes estimate of mutual information, with a Dirichlet prior centred on independence."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.numerics.contingency import ContingencyTable

__all__ = ["dirichlet_information", "leave_one_out_log_ratio"]

Floats: TypeAlias = NDArray[np.float64]

FEWEST, MOST = 0.02, 20.0
"""The range of concentrations: from nearly deterministic levels, in rows, to nearly independent ones, in multiples of
N. At the upper end the prior has 20 times the weight of the data."""

GRID = 40
"""The number of concentrations, evenly spaced in their logarithm. Neighbours differ by less than the posterior of the
concentration is wide: 20 and 80 change the estimate by less than 0.001 nats on tables of 100 rows."""


def dirichlet_information(table: ContingencyTable) -> float:
    r"""Return the posterior mean of the mutual information given the stratum, in nats.

    The distribution of y in each level i of x has a Dirichlet prior around the margin of y,

    .. math:: p(\cdot \mid i) \sim \mathrm{Dirichlet}(\alpha \, p_Y), \qquad
              I(X; Y) = H(Y) - \sum_i \tfrac{n_i}{N} \, \mathbb{E}[H(Y \mid i) \mid n_{i \cdot}]

    with the :math:`\alpha` of the largest marginal likelihood. Independent columns get a large one, which draws all
    levels to the margin. The value is the larger one of this direction and that of x given y: a single concentration
    for all levels smooths too much in the direction in which levels differ.

    References:
        | Estimating functions of probability distributions from a finite set of samples (Wolpert and Wolf, 1995)
        | https://doi.org/10.1103/PhysRevE.52.6841

    Example:
        >>> from mistcli.numerics.contingency import cross_tabulate
        >>> x = np.arange(400)[:, None] % 20
        >>> round(dirichlet_information(cross_tabulate(x, x)), 2), round(float(np.log(20)), 2)
        (2.99, 3.0)
    """
    return max(_information(table), _information(table.swapped()))


def leave_one_out_log_ratio(table: ContingencyTable) -> Floats:
    r"""Return the log ratio that each row is predicted to have by the other rows, (N,) in nats.

    .. math:: \log \frac{n_{ij} - 1 + \alpha q_j}{(n_i - 1 + \alpha) q_j}, \qquad q_j = \frac{n_j}{n}

    with the concentration of `dirichlet_information`. The mean is a lower bound of the mutual information in
    expectation, up to the concentration being fitted to the same rows. Of the two directions, the one with the larger
    mean is returned.

    Example:
        >>> from mistcli.numerics.contingency import cross_tabulate
        >>> x = np.arange(400)[:, None] % 20
        >>> round(float(leave_one_out_log_ratio(cross_tabulate(x, x)).mean()), 2)
        2.99
    """
    return max((_left_out(table), _left_out(table.swapped())), key=np.mean)


def _left_out(table: ContingencyTable) -> Floats:
    alpha = _concentration(table, table.y_counts / table.stratum_counts[table.y_stratum])
    margin = (table.y_counts / table.stratum_counts[table.y_stratum])[table.y_level]
    joint = (table.counts - 1 + alpha * margin) / (table.x_counts[table.x_level] - 1 + alpha)
    log_ratio: Floats = np.log(joint / margin)[table.cell]
    return log_ratio


def _information(table: ContingencyTable) -> float:
    """Return the posterior mean in the direction of y given x."""
    from scipy.special import digamma

    margin = table.y_counts / table.stratum_counts[table.y_stratum]
    alpha = _concentration(table, margin)
    prior = alpha * margin

    def weighted(concentration: Floats) -> Floats:
        weight: Floats = concentration * digamma(concentration + 1)
        return weight

    empty = np.bincount(table.y_stratum, weighted(prior))[table.x_stratum]
    seen = prior[table.y_level]
    levels = empty + np.bincount(table.x_level, weighted(table.counts + seen) - weighted(seen))
    total = table.x_counts + alpha
    entropy = digamma(total + 1) - levels / total
    return table.y_entropy - float(table.x_counts @ entropy) / table.n


def _concentration(table: ContingencyTable, margin: Floats) -> float:
    """Return the concentration of the largest marginal likelihood; equal terms are computed once."""
    from scipy.special import gammaln

    grid = np.geomspace(FEWEST, MOST * table.n, GRID)
    levels, level_weight = np.unique(table.x_counts, return_counts=True)
    shares, share = np.unique(margin, return_inverse=True)
    key, cell_weight = np.unique(table.counts * len(shares) + share.ravel()[table.y_level], return_counts=True)
    prior = grid[:, None] * shares[key % len(shares)]
    cells = (gammaln(key // len(shares) + prior) - gammaln(prior)) @ cell_weight
    norm = (gammaln(levels + grid[:, None]) - gammaln(grid)[:, None]) @ level_weight
    return float(grid[int(np.argmax(cells - norm))])
