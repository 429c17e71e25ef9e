"""One p-value from several statistics: the smallest one, recalibrated on the same permutations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr

__all__ = ["Combined", "smallest_p"]

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""The relative difference below which two values of a statistic are equal."""


@dataclass(frozen=True)
class Combined:
    """The combination of several statistics.

    Arguments:
        p_value: The p-value of all statistics together.
        winner: The place of the statistic with the smallest p-value of its own.
        own: The approximate p-value of each statistic alone, (S,).
    """

    p_value: float
    winner: int
    own: Floats


def smallest_p(observed: Floats, permuted: Floats) -> Combined:
    r"""Combine statistics by the smallest of their p-values.

    .. math:: p = \frac{1 + \#\{b : m_b \le m_0\}}{1 + B}, \quad m_b = \min_s p_s(T_{s,b})

    where :math:`T_{s,0}` is observed, the others come from permutations, and :math:`p_s` is the upper tail of a gamma
    distribution with the mean, variance and skewness of all :math:`B + 1` values of the statistic. All values are
    treated alike, so that the p-value is valid whatever the distribution of the statistics is; the gamma distribution
    only makes them comparable, and avoids the ties of p-values that are ranks.

    Arguments:
        observed: The statistics of the rows as they are, (S,), large where x and y depend on each other.
        permuted: Those of permutations, (B, S).

    References:
        | Resampling-based multiple testing (Westfall and Young, 1993)
        | Permutation p-values should never be zero (Phipson and Smyth, 2010)
        | https://doi.org/10.2202/1544-6115.1585

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = smallest_p(np.array([0.0, 9.0]), rng.standard_normal((99, 2)))
        >>> found.p_value, found.winner
        (0.01, 1)
    """
    values = np.concatenate([observed[None], permuted])
    centred = values - values.mean(0)
    spread = centred.std(0)
    varied = spread > ROUNDING * (np.abs(values).max(0) + np.finfo(float).tiny)
    scaled = np.where(varied, centred / np.where(varied, spread, 1.0), 0.0)
    log_p = log_tail(scaled, (scaled**3).mean(0))
    smallest = log_p.min(1)
    as_small = smallest[1:] <= smallest[0] + ROUNDING * (1 + abs(smallest[0]))
    winner = int(log_p[0].argmin())
    return Combined((1 + int(as_small.sum())) / len(values), winner, np.exp(log_p[0]))


def log_tail(scaled: Floats, skewness: Floats) -> Floats:
    r"""Return the logarithm of the upper tail of a Pearson type III distribution.

    A standardized gamma variable with shape :math:`4 / g^2` has the skewness :math:`g`. Skewness below 0.01 is taken
    for none, where the distribution is the standard normal.

    Arguments:
        scaled: Standardized values, (B, S).
        skewness: The skewness of each column, (S,).
    """
    skewed = np.maximum(skewness, 0.01)
    shape = 4 / skewed**2
    place = np.maximum(shape + scaled * np.sqrt(shape), 0.0)
    tail = np.where(skewness > 0.01, gammaincc(shape, place), ndtr(-scaled))
    far = tail < np.finfo(float).tiny
    with np.errstate(divide="ignore"):
        near = np.log(np.where(far, 1.0, tail))
    # beyond the range of floating point the order of the values still counts
    return np.where(far, np.log(np.finfo(float).tiny) - np.maximum(scaled, 0.0), near)
