"""Pairs whose log ratios are known, in nats, for every kind of columns that an estimator may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "Side", "discrete", "mixed", "normal"]

Floats: TypeAlias = NDArray[np.float64]
Array: TypeAlias = NDArray[Any]
Side: TypeAlias = Literal["x", "y"]

LEVELS = 4


@dataclass(frozen=True)
class Pairs:
    """Pairs, and what an estimate of them should be.

    Arguments:
        x: One side, (N, D): float64, or codes 0, 1, ... where it is discrete.
        y: The other side, (N, D).
        log_ratio: log p(x, y) / p(x) p(y) of each pair, (N,) in nats.
        discrete: The sides that are discrete.
    """

    x: Array
    y: Array
    log_ratio: Floats
    discrete: tuple[Side, ...] = ()

    @property
    def nats(self) -> float:
        """The mean log ratio: what the best estimate from these very pairs is, up to the error of the estimator."""
        return float(self.log_ratio.mean())


def normal(n: int, rho: float, *, dim: int = 1, seed: int = 0) -> Pairs:
    """Draw pairs that are, column by column, bivariate normal of correlation `rho`.

    Example:
        >>> round(normal(100_000, 0.9).nats, 2), round(-0.5 * math.log(1 - 0.9**2), 2)
        (0.83, 0.83)
    """
    rng = np.random.default_rng([seed, dim])
    x, noise = rng.standard_normal((2, n, dim))
    y = rho * x + math.sqrt(1 - rho**2) * noise
    quadratic = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
    return Pairs(x, y, (-0.5 * math.log(1 - rho**2) - quadratic).sum(1))


def discrete(n: int, kept: float, *, dim: int = 1, seed: int = 0) -> Pairs:
    """Draw pairs of symbols out of four: y is x with the probability `kept`, and else any symbol.

    Example:
        >>> discrete(100, 0.0).nats, round(discrete(100, 1.0).nats, 4) == round(math.log(4), 4)
        (0.0, True)
    """
    rng = np.random.default_rng([seed, dim])
    x, other = rng.integers(LEVELS, size=(2, n, dim))
    y = np.where(rng.random((n, dim)) < kept, x, other)
    same, differ = 1 + (LEVELS - 1) * kept, 1 - kept
    ratio = np.where(x == y, same, max(differ, 1e-300))
    return Pairs(x, y, np.log(ratio).sum(1), ("x", "y"))


def mixed(n: int, distance: float, *, dim: int = 1, seed: int = 0, side: Side = "x") -> Pairs:
    r"""Draw pairs of a fair sign on one side and, on the other, a normal with that sign times `distance` as its mean.

    .. math:: \log \frac{p(x, y)}{p(x) p(y)} = \log \frac{2}{1 + e^{-2 s \delta v}}

    Example:
        >>> mixed(100, 0.0).nats, round(mixed(100, 30.0).nats, 4) == round(math.log(2), 4)
        (0.0, True)
    """
    rng = np.random.default_rng([seed, dim])
    sign = rng.choice([-1.0, 1.0], size=(n, dim))
    value = distance * sign + rng.standard_normal((n, dim))
    log_ratio = (math.log(2) - np.logaddexp(0, -2 * distance * sign * value)).sum(1)
    code: Array = (sign > 0).astype(np.int64)
    x, y = (code, value) if side == "x" else (value, code)
    return Pairs(x, y, log_ratio, (side,))
