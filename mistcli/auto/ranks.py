"""Normal scores in which ties are broken at random, so that neighbours are as far apart as the rows are many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["broken_ties"]

Floats = NDArray[np.float64]


def broken_ties(columns: Floats, rng: np.random.Generator) -> Floats:
    r"""Return normal scores of columns whose ties are broken at random, (N, D) -> (N, D).

    .. math:: z_i = \Phi^{-1}\Big(\frac{r_i - 1/2}{N}\Big)

    with the ranks :math:`r` of distinct values, equal ones in random order. A column follows from its scores, and the
    order of equal values is independent of all else: so the scores have the mutual information of the column.

    References:
        | On the distributional transform, Sklar's theorem, and the empirical copula process (Rüschendorf, 2009)
        | https://doi.org/10.1016/j.jspi.2009.05.030

    Example:
        >>> sorted(broken_ties(np.zeros((3, 1)), np.random.default_rng(0)).ravel().round(2).tolist())
        [-0.97, 0.0, 0.97]
    """
    from scipy.special import ndtri

    n = len(columns)
    grid = ndtri((np.arange(n) + 0.5) / n)
    scores = np.empty(columns.shape)
    for place, column in enumerate(columns.T):
        scores[np.lexsort((rng.random(n), column)), place] = grid
    return scores
