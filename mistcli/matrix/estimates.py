"""Values of the screen: what tables of counts say of many pairs, with standard errors and p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from mistcli.inference.interval import resolution
from mistcli.matrix.copula_cells import copula_cells, poisson_moments
from mistcli.matrix.null import (
    SCALES,
    Null,
    calibrated,
    class_null,
    gamma_tail,
    smooth_statistics,
    t_tail,
)
from mistcli.matrix.ranks import Floats, cosines

__all__ = ["DEPENDENT", "Values", "class_statistics", "class_values", "continuous_values"]

SIGNIFICANT = 2.33
"""By how many standard deviations a table must tell more than the closed form to be added to it: 1 % by chance."""

DEPENDENT = 0.05
"""The p-value above which a pair is taken for independent, so that nothing is added to what the closed form says."""

FINER = 1.0
"""By how many standard deviations finer cells must tell more than coarse ones for neighbours to be asked.

At 1.0, on 40 families with 2,000 rows, neighbours are asked wherever the table falls short by 0.02 nats or more.
"""

LEAST = 1e-12


@dataclass(frozen=True)
class Values:
    """What the screen says of pairs, each an array (P, Q).

    Arguments:
        mi: The mutual information, in nats.
        stderr: Its standard error, in nats.
        p_value: The p-value of independence.
        closed: Whether the closed form is all that is needed.
        gain: What the last halving of the cells added, in nats, where that is more than chance; 0 elsewhere.
    """

    mi: Floats
    stderr: Floats
    p_value: Floats
    closed: NDArray[np.bool_]
    gain: Floats


def continuous_values(correlation: Floats, table: Floats, n: int, null: Null) -> Values:
    r"""Return the values for two continuous columns.

    .. math:: I(X; Y) = -\tfrac{1}{2} \log(1 - r^2) + \mathrm{KL}(c \,\|\, c_r)

    with the correlation :math:`r` of the normal scores and the normal copula :math:`c_r` that has it. The second term
    is found from cells, less what chance adds, and taken where it is more than chance. What halving the cells would
    add is a third of what the last halving added, since the error falls with the squared width of the cells.

    Arguments:
        correlation: The correlation of the normal scores, (P, Q).
        table: Counts in cells of equal size, (P, Q, K, K).
        n: The number of rows.
        null: The distribution under independence.
    """
    shape, cells = correlation.shape, table.shape[-1]
    share, r = table.reshape(-1, cells, cells) / n, correlation.ravel()
    unexplained = np.maximum(1 - np.square(r), LEAST)
    # the squared correlation of independent columns is 1 / (n - 1) in the mean
    closed = -0.5 * np.log(unexplained) - unexplained / (2 * n)
    excess, spread = _divergence(share, r, n)
    gain = excess - _divergence(_halved(share), r, n)[0]
    smooth = gamma_tail(smooth_statistics(share * n, n), null.mean, null.variance).min(-1)
    p_value = calibrated(np.minimum(smooth, t_tail(r, n)), null.smallest)
    beyond = (excess > SIGNIFICANT * spread) & (p_value < DEPENDENT)
    mi = closed + np.where(beyond, excess + np.maximum(gain, 0) / 3, 0.0)
    stderr = np.where(beyond, np.hypot(_ratio_spread(share, n), spread), np.abs(r) / np.sqrt(n))
    stderr = np.maximum(stderr, resolution(1, 1, n))
    gain = np.where(beyond & (gain > FINER * spread), gain, 0.0)
    return Values(
        mi.reshape(shape), stderr.reshape(shape), p_value.reshape(shape), ~beyond.reshape(shape), gain.reshape(shape)
    )


def class_values(table: Floats, n: int, variance: Floats) -> Values:
    r"""Return the values for columns of classes beside continuous ones.

    .. math:: I(X; Y) \approx \sum_{c, k} \frac{n_{ck}}{N} \log \frac{n_{ck} K}{n_c} - \text{bias}

    with the bias of Poisson counts, and a third of the last gain from halving the cells.

    Arguments:
        table: Counts of class and cell, the cells being of equal size, (P, Q, C, K).
        n: The number of rows.
        variance: The variance of the statistics of each column of classes under independence, (P, S).
    """
    shape, size, cells = table.shape[:2], *table.shape[2:]
    counted = table.reshape(-1, size, cells)
    mi, spread = _class_information(counted, n)
    gain = mi - _class_information(counted.reshape(-1, size, cells // 2, 2).sum(-1), n)[0]
    statistics, classes = class_statistics(table, n), np.maximum((table[:, 0].sum(-1) > 0).sum(-1), 2)
    mean = (classes[:, None] - 1) * np.array((1, *SCALES), dtype=np.float64)
    smallest = gamma_tail(statistics, mean[:, None], variance[:, None]).min(-1)
    p_value = np.stack([calibrated(row, class_null(int(c))) for row, c in zip(smallest, classes, strict=True)])
    stderr = np.hypot(_ratio_spread(counted / n, n), spread).reshape(shape)
    gain = np.where((gain > FINER * spread) & (p_value.ravel() < DEPENDENT), gain, 0.0)
    value = (mi + gain / 3).reshape(shape)
    alone = ((table[:, 0].sum(-1) > 0).sum(-1) < 2)[:, None]  # one class is left on the rows of these pairs
    value, p_value = np.where(alone, 0.0, value), np.where(alone, 1.0, p_value)
    return Values(value, stderr, p_value, np.zeros(shape, bool), gain.reshape(shape) * ~alone)


def class_statistics(table: Floats, n: int) -> Floats:
    r"""Return statistics of the dependence of a column of classes and a continuous one, at each scale.

    .. math:: S_d = \frac{n - 1}{n} \sum_c n_c \sum_{a \le d} \bar\phi_{ca}^2

    with the mean :math:`\bar\phi_{ca}` of a cosine of the ranks in a class: for :math:`d = 1` close to the test of
    Kruskal and Wallis. Under independence the mean is :math:`(C - 1) d`.

    Arguments:
        table: Counts of class and cell, (..., C, K).
        n: The number of rows.
    """
    basis = cosines(table.shape[-1], n, min(max(SCALES), table.shape[-1] - 1))
    sums = np.square(table @ basis.T) / np.maximum(table.sum(-1, keepdims=True), 1)
    by_order = sums.sum(-2)
    return (n - 1) / n * np.stack([by_order[..., :d].sum(-1) for d in (1, *SCALES)], -1)


def _divergence(share: Floats, correlation: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the divergence of tables from the normal copula, less its bias, and its standard deviation, in nats."""
    log_share, bias, spread = copula_cells(share.shape[-1], n).at(correlation)
    divergence = (xlogy(share, share) - share * log_share).sum((1, 2))
    return divergence - bias, spread


def _halved(share: Floats) -> Floats:
    cells = share.shape[-1] // 2
    return np.asarray(share.reshape(len(share), cells, 2, cells, 2).sum((2, 4)))


def _class_information(table: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the mutual information of class and cell, less its bias, and its standard deviation, in nats."""
    apart = table.sum(2, keepdims=True) * table.sum(1, keepdims=True) / n
    value = (xlogy(table, table) - xlogy(table, apart)).sum((1, 2)) / n
    mean, variance = poisson_moments(apart)
    lost = (table.shape[2] + (table.sum(2) > 0).sum(1) - 1) / 2
    spread = np.sqrt(np.maximum(variance.sum((1, 2)) - lost, 0.5)) / n
    return value - (mean.sum((1, 2)) - lost) / n, spread


def _ratio_spread(share: Floats, n: int) -> Floats:
    """Return the standard error of a mean log ratio of cells, (M, A, B) -> (M,)."""
    apart = share.sum(2, keepdims=True) * share.sum(1, keepdims=True)
    log_ratio = np.log(np.maximum(share, LEAST)) - np.log(np.maximum(apart, LEAST))
    mean = (share * log_ratio).sum((1, 2))
    return np.asarray(np.sqrt(np.maximum((share * np.square(log_ratio)).sum((1, 2)) - np.square(mean), 0) / n))
