r"""The Gaussian copula in cells of equal share: their probabilities, and what a table of counts adds to it by chance.

.. math:: I(X; Y) = I_r + \mathrm{KL}(c \,\|\, c_r), \qquad I_r = -\tfrac{1}{2} \log(1 - r^2)

for normal scores with correlation :math:`r`, the density :math:`c` of their copula and that :math:`c_r` of the normal
one. Cells give a lower bound on the second term, which needs to see only what is not normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, ndtr, ndtri, xlogy

from mistcli.matrix.ranks import Floats

__all__ = ["CopulaCells", "copula_cells", "poisson_moments"]

STEP, LAST = 0.025, 4.0
"""The grid of Fisher's z of the correlation: linear interpolation errs by less than 1e-4 of a probability."""

NODES = 16


@dataclass(frozen=True)
class CopulaCells:
    """The cells of normal copulas, on a grid of correlations from 0.

    Arguments:
        log_share: The logarithm of the share of each cell, (G, K, K).
        bias: The expected divergence of a table of counts from the copula that fits it best, in nats, (G,).
        spread: The standard deviation of that divergence, in nats, (G,).
    """

    log_share: Floats
    bias: Floats
    spread: Floats

    def at(self, correlation: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the logarithms of the shares, bias and spread for each correlation, (M,) -> (M, K, K), (M,), (M,)."""
        z = np.arctanh(np.minimum(np.abs(correlation), np.tanh(LAST - STEP / 2))) / STEP
        below = np.minimum(z.astype(np.int64), len(self.bias) - 2)
        weight = z - below
        found = []
        for values in (self.log_share, self.bias, self.spread):
            part = weight.reshape(-1, *[1] * (values.ndim - 1))
            found.append((1 - part) * values[below] + part * values[below + 1])
        share = found[0]
        negative = correlation < 0
        share[negative] = share[negative][:, :, ::-1]
        return share, found[1], found[2]


@lru_cache(maxsize=64)
def copula_cells(cells: int, n: int) -> CopulaCells:
    """Return the cells of normal copulas for tables of `n` rows with `cells` cells a side."""
    log_share = _log_shares(cells)
    mean, variance = poisson_moments(n * np.exp(log_share))
    # 2 K - 1 counts are given by the margins, and one by the correlation, each of which takes half a nat away
    bias = np.maximum(mean.sum((1, 2)) - cells, 0.0) / n
    spread = np.sqrt(np.maximum(variance.sum((1, 2)) - cells, 0.5)) / n
    return CopulaCells(log_share, bias, spread)


@lru_cache(maxsize=16)
def _log_shares(cells: int) -> Floats:
    """Return the logarithms of the shares of cells on the grid of correlations, (G, K, K)."""
    correlation = np.tanh(np.arange(0.0, LAST + STEP / 2, STEP))[:, None, None, None]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    at = ndtri((np.arange(cells)[:, None] + (nodes + 1) / 2) / cells)
    edges = ndtri(np.arange(1, cells) / cells)
    inner = ndtr((edges - correlation * at[..., None]) / np.sqrt(1 - np.square(correlation)))
    below = np.concatenate([np.zeros((*inner.shape[:-1], 1)), inner, np.ones((*inner.shape[:-1], 1))], -1)
    share = np.einsum("gkmc,m->gkc", np.diff(below, axis=-1), weights / 2) / cells
    return np.asarray(np.log(np.maximum((share + share.transpose(0, 2, 1)) / 2, 1e-12)))


def poisson_moments(expected: Floats) -> tuple[Floats, Floats]:
    r"""Return mean and variance of :math:`C \log(C / \lambda) - C + \lambda` for a Poisson count :math:`C`.

    Both tend to 1/2 for large :math:`\lambda`, which is the classical correction of a table; small cells add less.
    """
    grid, mean, variance = _poisson_grid()
    at = np.log(np.clip(expected, np.exp(grid[0]), np.exp(grid[-1])))
    return np.interp(at, grid, mean), np.interp(at, grid, variance)


@lru_cache(maxsize=1)
def _poisson_grid() -> tuple[Floats, Floats, Floats]:
    grid = np.linspace(np.log(1e-8), np.log(200.0), 400)
    rate = np.exp(grid)[:, None]
    count = np.arange(400.0)
    probability = np.exp(xlogy(count, rate) - rate - gammaln(count + 1))
    value = xlogy(count, count) - count * np.log(rate) - count + rate
    mean = (probability * value).sum(1)
    return grid, mean, (probability * np.square(value)).sum(1) - np.square(mean)
