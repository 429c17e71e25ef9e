"""Calibration of intervals: how often they hold the truth, and factors of a standard error with which they do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["LEVELS", "Cell", "Factors", "Measured", "cell", "conformal", "fit_factors", "interval_score"]

Floats: TypeAlias = NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""The levels at which coverage is measured."""

RIDGE = 0.002
"""The penalty on squared logarithms of factors, which keeps those finite that the tables say nothing about."""


@dataclass(frozen=True)
class Measured:
    """An estimate beside the truth, in nats.

    Arguments:
        true: The mutual information.
        value: The estimate that the interval is made around.
        low: The standard error towards smaller values.
        high: The standard error towards larger values.
        least: The least that the interval may hold, where that is known.
        most: The most that the interval may hold, where that is known.
        terms: The terms of the variance that factors are fitted to, by name, in nats squared.
    """

    true: float
    value: float
    low: float
    high: float
    least: float = -math.inf
    most: float = math.inf
    terms: Mapping[str, float] | None = None

    def ends(self, level: float) -> tuple[float, float]:
        """Return the ends of the interval at a level.

        Example:
            >>> low, high = Measured(0.1, 0.1, 0.1, 0.2, least=0.0).ends(0.95)
            >>> low, round(high, 3)
            (0.0, 0.492)
        """
        z = NormalDist().inv_cdf(0.5 + level / 2)
        low, high = self.value - z * self.low, self.value + z * self.high
        return min(max(low, self.least), self.most), max(min(high, self.most), self.least)

    def holds(self, level: float) -> bool:
        """Return whether the interval at a level holds the truth, within rounding."""
        low, high = self.ends(level)
        return low - 1e-9 <= self.true <= high + 1e-9


@dataclass(frozen=True)
class Cell:
    """How well intervals of some tables hold.

    Arguments:
        count: The number of tables.
        mae: The mean absolute error, in nats.
        bias: The mean error, in nats.
        wrong: The share that is confidently wrong: the truth is more than 0.02 nats outside of the 95 % interval, and
            the error more than 0.05 nats.
        coverage: The share of intervals that hold the truth, at each of `LEVELS`.
        errors: The binomial standard errors of these shares.
        score: The mean interval score at 90 %, in nats; smaller is better.
    """

    count: int
    mae: float
    bias: float
    wrong: float
    coverage: tuple[float, ...]
    errors: tuple[float, ...]
    score: float


def cell(measured: Sequence[Measured]) -> Cell:
    """Sum up tables, of which there is at least one.

    Example:
        >>> one = Measured(0.1, 0.12, 0.02, 0.02)
        >>> cell([one, one]).coverage
        (0.0, 1.0, 1.0, 1.0)
    """
    n = len(measured)
    off = np.array([one.value - one.true for one in measured])
    held = [float(np.mean([one.holds(level) for one in measured])) for level in LEVELS]
    # Agresti and Coull (1998): with two successes and two failures more, the error is not 0 where all or none hold.
    spread = [(share * n + 2) / (n + 4) for share in held]
    ends = [one.ends(0.95) for one in measured]
    outside = np.array([max(low - one.true, one.true - high) for one, (low, high) in zip(measured, ends, strict=True)])
    return Cell(
        n,
        float(np.abs(off).mean()),
        float(off.mean()),
        float(np.mean((outside > 0.02) & (np.abs(off) > 0.05))),
        tuple(held),
        tuple(math.sqrt(share * (1 - share) / (n + 4)) for share in spread),
        float(np.mean([interval_score(*one.ends(0.9), one.true, 0.9) for one in measured])),
    )


def interval_score(low: float, high: float, true: float, level: float) -> float:
    r"""Return the interval score, which is least in expectation where the ends are the quantiles of what is sought.

    .. math:: (u - l) + \frac{2}{\alpha} (l - t)_+ + \frac{2}{\alpha} (t - u)_+, \quad \alpha = 1 - \text{level}

    References:
        | Strictly proper scoring rules, prediction, and estimation (Gneiting and Raftery, 2007)
        | https://doi.org/10.1198/016214506000001437

    Example:
        >>> round(interval_score(0.0, 1.0, 1.1, 0.9), 6)
        3.0
    """
    missed = max(low - true, 0.0) + max(true - high, 0.0)
    return (high - low) + 2 / (1 - level) * missed


@dataclass(frozen=True)
class Factors:
    r"""Factors of the terms of the variance of an estimate, towards smaller and towards larger values.

    .. math:: \sigma_\pm^2 = \sum_j a_{\pm, j} \, t_j

    Arguments:
        names: The names of the terms.
        low: The factor of each term for :math:`\sigma_-`, not below 0.
        high: The factor of each term for :math:`\sigma_+`.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def scales(self, measured: Sequence[Measured]) -> tuple[Floats, Floats]:
        """Return the standard errors of estimates towards smaller and towards larger values, (N,) in nats each."""
        terms = _terms(measured, self.names)
        low, high = (np.sqrt(terms @ np.asarray(factors)) for factors in (self.low, self.high))
        return low, high

    def widened(self, low: float, high: float) -> Factors:
        """Return the factors of standard errors that are `low` and `high` times as large."""
        return Factors(self.names, tuple(f * low**2 for f in self.low), tuple(f * high**2 for f in self.high))


def fit_factors(measured: Sequence[Measured], rounds: int = 4) -> Factors:
    r"""Fit factors by quantile regression at the ends of all `LEVELS`, with residuals in units of their scale.

    .. math:: \min_a \sum_i \sum_\tau \frac{1}{s_i} \rho_\tau \big(r_i - z_\tau \sigma_i(a)\big)

    with the residual :math:`r_i` of the truth, the check function :math:`\rho_\tau`, the normal quantile
    :math:`z_\tau`, and the scale :math:`s_i` of the round before. Estimates of strong and weak dependence, and of many
    and few rows, count alike that way.

    References:
        | Regression quantiles (Koenker and Bassett, 1978)
        | https://doi.org/10.2307/1913643

    Arguments:
        measured: Estimates with terms, all of the same names.
        rounds: How often the scales are renewed.
    """
    names = tuple(measured[0].terms or ())
    terms = _terms(measured, names)
    residual = np.array([one.true - one.value for one in measured])
    low, high = (_fit_side(terms, sign * residual, rounds) for sign in (-1, 1))
    return Factors(names, tuple(low.tolist()), tuple(high.tolist()))


def conformal(measured: Sequence[Measured], factors: Factors, level: float = 0.9) -> Factors:
    """Widen or narrow both ends, each until it fails on no more than its share of these tables.

    Arguments:
        measured: Estimates that the factors have not been fitted to.
        factors: The factors.
        level: The level at which the intervals are to hold.

    References:
        | Distribution-free predictive inference for regression (Lei et al., 2018)
        | https://arxiv.org/abs/1604.04173
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    residual = np.array([one.true - one.value for one in measured])
    low, high = factors.scales(measured)
    rank = min(1.0, (0.5 + level / 2) * (1 + 1 / len(measured)))
    wider = [max(float(np.quantile(side, rank)) / z, 0.1) for side in (-residual / low, residual / high)]
    return factors.widened(*wider)


def _terms(measured: Sequence[Measured], names: tuple[str, ...]) -> Floats:
    """Return the terms, (N, names), with the least positive number added so that no variance is 0."""
    return np.array([[(one.terms or {})[name] for name in names] for one in measured]) + 1e-12


def _fit_side(terms: Floats, residual: Floats, rounds: int) -> Floats:
    """Return the factors of one end, (names,): residuals are to exceed z times the scale as often as they should."""
    taus = np.array([0.5 + level / 2 for level in LEVELS])
    z = np.array([NormalDist().inv_cdf(tau) for tau in taus])
    logs = np.zeros(terms.shape[1])
    for _ in range(rounds):
        scale = np.sqrt(terms @ np.exp(logs))

        def loss(at: Floats, scale: Floats = scale) -> tuple[float, Floats]:
            parts = terms * np.exp(at)
            sigma = np.sqrt(parts.sum(1))
            beyond = residual[:, None] - z * sigma[:, None]
            check = np.where(beyond > 0, taus * beyond, (taus - 1) * beyond)
            slope = -(np.where(beyond > 0, taus, taus - 1) * z).sum(1) / scale
            gradient = (slope / (2 * sigma)) @ parts / len(terms) + 2 * RIDGE * at
            return float((check.sum(1) / scale).mean()) + RIDGE * float(at @ at), gradient

        logs = np.asarray(minimize(loss, logs, jac=True, method="L-BFGS-B", bounds=[(-12, 6)] * len(logs)).x)
    return np.exp(logs)
