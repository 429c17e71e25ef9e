"""Archimedean copulas: dependence that no correlation describes, with known mutual information."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from mistcli.benchmark.problem import Array, Draw, Pair, Problem, mapped
from mistcli.benchmark.quadrature import copula_information

__all__ = ["clayton", "clayton_log_density", "copulas", "frank", "frank_log_density", "gumbel", "gumbel_log_density"]

Floats = NDArray[np.float64]


def copulas() -> Iterator[Problem]:
    """Yield copulas, with uniform and with other margins."""
    yield clayton(0.5)
    yield clayton(4)
    yield gumbel(1.3)
    yield gumbel(3)
    yield frank(3)
    yield frank(12)
    yield mapped(clayton(2), "clayton-lognormal-1v1-2", "Clayton copula, log-normal margins", _lognormal, _lognormal)
    yield mapped(gumbel(2), "gumbel-cauchy-1v1-2", "Gumbel copula, Cauchy margins", _cauchy, _cauchy)
    yield mapped(frank(-8), "frank-normal-1v1--8", "Frank copula, decreasing, normal margins", ndtri, ndtri)


def clayton(theta: float) -> Problem:
    r"""Return the Clayton copula, which ties the small values together.

    .. math:: C(u, v) = (u^{-\theta} + v^{-\theta} - 1)^{-1/\theta},
              \quad I = \log(1 + \theta) - \frac{\theta}{1 + \theta}
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        u, w = rng.uniform(size=(2, n, 1))
        v = (1 + u**-theta * (w ** (-theta / (1 + theta)) - 1)) ** (-1 / theta)
        return u, v

    return _copula("Clayton", theta, draw, lambda: math.log(1 + theta) - theta / (1 + theta))


def gumbel(theta: float) -> Problem:
    r"""Return the Gumbel copula, which ties the large values together; drawn through a positive stable variable.

    .. math:: C(u, v) = \exp\left(-\left((-\log u)^\theta + (-\log v)^\theta\right)^{1/\theta}\right)
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        a = 1 / theta
        angle, level = rng.uniform(0, np.pi, (n, 1)), rng.exponential(size=(n, 1))
        stable = np.sin(a * angle) / np.sin(angle) ** theta * (np.sin((1 - a) * angle) / level) ** (theta - 1)
        u, v = np.exp(-((rng.exponential(size=(2, n, 1)) / stable) ** a))
        return u, v

    return _copula("Gumbel", theta, draw, lambda: copula_information(lambda s, t: gumbel_log_density(s, t, theta)))


def frank(theta: float) -> Problem:
    r"""Return the Frank copula, which ties the middle as much as the ends.

    .. math:: C(u, v) = -\frac{1}{\theta}
              \log\left(1 + \frac{(e^{-\theta u} - 1)(e^{-\theta v} - 1)}{e^{-\theta} - 1}\right)
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        u, w = rng.uniform(size=(2, n, 1))
        v = -np.log1p(w * math.expm1(-theta) / (w + (1 - w) * np.exp(-theta * u))) / theta
        return u, v

    return _copula("Frank", theta, draw, lambda: copula_information(lambda s, t: frank_log_density(s, t, theta)))


def clayton_log_density(s: Floats, t: Floats, theta: float) -> Floats:
    """Return log c at the normal scores s and t."""
    a, b = -log_ndtr(s), -log_ndtr(t)
    inner = np.logaddexp(theta * a, theta * b + np.log(-np.expm1(-theta * b)))
    return np.asarray(math.log1p(theta) + (1 + theta) * (a + b) - (2 + 1 / theta) * inner)


def gumbel_log_density(s: Floats, t: Floats, theta: float) -> Floats:
    """Return log c at the normal scores s and t."""
    a, b = -log_ndtr(s), -log_ndtr(t)
    log_sum = np.logaddexp(theta * np.log(a), theta * np.log(b))
    root = np.exp(log_sum / theta)
    return np.asarray(
        a + b - root + (theta - 1) * np.log(a * b) + (2 / theta - 2) * log_sum + np.log1p((theta - 1) / root)
    )


def frank_log_density(s: Floats, t: Floats, theta: float) -> Floats:
    """Return log c at the normal scores s and t."""
    u, v = ndtr(s), ndtr(t)
    base = -math.expm1(-theta)
    inner = base - np.expm1(-theta * u) * np.expm1(-theta * v)
    return np.asarray(math.log(theta * base) - theta * (u + v) - 2 * np.log(np.abs(inner)))


def _copula(family: str, theta: float, draw: Draw, truth: Callable[[], float]) -> Problem:
    return Problem(f"{family.lower()}-1v1-{theta:g}", f"{family} copula, parameter {theta:g}", 1, 1, draw, truth)


def _lognormal(u: Array) -> Array:
    return np.asarray(np.exp(ndtri(u)))


def _cauchy(u: Array) -> Array:
    return np.asarray(np.tan(np.pi * (u - 0.5)))
