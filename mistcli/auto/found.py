"""What a part of `auto` finds: log ratios, and what is known of their errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C

__all__ = ["Found", "better", "firm", "floor"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Log ratios of pairs, and the parts of the standard error of their mean.

    Arguments:
        log_ratio: The log ratio of each pair, (N,) in nats; its mean is the estimate.
        learnt: The difference of the mean log ratio of fits on rows they have seen and on rows they have not, in nats.
        apart: By how much other members exceed the estimate, in nats.
        growth: What neighbours find in all rows more than in halves of them, in nats.
        free: The number of free parameters, about, that noise alone could use: it sets the error near independence.
        hidden: What may go unseen in columns that were screened, in nats; see `mistcli.auto.screening.detectable`.
        columns: The columns of x and of y in which dependence was seen; None where they were not looked for, or none
            is.
        explanation: What was done, as plain values.
    """

    log_ratio: Floats
    learnt: float = 0.0
    apart: float = 0.0
    growth: float = 0.0
    free: float = 1.0
    hidden: float = 0.0
    columns: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    explanation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The mean log ratio, in nats; 0 of no rows."""
        return float(self.log_ratio.mean()) if len(self.log_ratio) else 0.0

    def __add__(self, other: Found) -> Found:
        """Return the sum of two terms of a chain rule, but for what was done."""
        terms = ("learnt", "apart", "growth", "free", "hidden")
        sums = {name: getattr(self, name) + getattr(other, name) for name in terms}
        return Found(self.log_ratio + other.log_ratio, **sums)


def better(best: Found, other: Found, doubt: float) -> Found:
    """Return an estimate, with what another one, which errs on the low side alone, finds beyond it.

    Arguments:
        best: The estimate.
        other: The other one, of the same rows.
        doubt: By how many standard errors the other must exceed it to count; see `firm`.
    """
    gap = other.log_ratio - best.log_ratio
    more, error = float(gap.mean()), C.shared * float(gap.std()) / len(gap) ** 0.5
    taken = firm(more, error, doubt)
    if not taken:
        return replace(best, apart=max(best.apart, more))
    share = taken / more
    mixed = {
        name: share * getattr(other, name) + (1 - share) * getattr(best, name) for name in ("learnt", "apart", "growth")
    }
    return replace(
        best,
        log_ratio=best.log_ratio + share * gap,
        free=max(best.free, other.free),
        explanation=other.explanation,
        **mixed,
    )


def firm(value: float, error: float, doubt: float) -> float:
    r"""Return a value less what may be noise in it, in nats.

    .. math:: s(v) = \begin{cases} 0 & v \leq \lambda \sigma \\
              2 (v - \lambda \sigma) & \lambda \sigma < v \leq 2 \lambda \sigma \\
              v & v > 2 \lambda \sigma \end{cases}

    References:
        | WaveShrink with firm shrinkage (Gao and Bruce, 1997)
        | https://www3.stat.sinica.edu.tw/statistica/j7n4/j7n44/j7n44.htm

    Arguments:
        value: The value v.
        error: Its standard error :math:`\sigma`.
        doubt: The number of standard errors :math:`\lambda` below which nothing is left.

    Example:
        >>> [firm(value, 0.1, 1.0) for value in (-1.0, 0.05, 0.15, 0.3)]
        [0.0, 0.0, 0.09999999999999998, 0.3]
    """
    return max(0.0, min(value, 2 * (value - doubt * error)))


def floor(free: float, n: int) -> float:
    r"""Return the standard error of a mean log ratio of independent sides, :math:`\sqrt{p / 2} \, / N`, in nats.

    Twice N times the mean log ratio of p fitted parameters is about :math:`\chi^2_p`, of variance 2p.

    Arguments:
        free: The number of parameters p.
        n: The number of rows.
    """
    return math.sqrt(free / 2) / n
