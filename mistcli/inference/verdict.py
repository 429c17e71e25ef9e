"""What the number means, in words, where the number alone would mislead."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mistcli.result import Interval

__all__ = ["verdict"]

BELOW = (
    "below 0, which the mutual information never is: the estimator learnt nothing that holds on rows it has not seen"
)

NEAR = 1.0
"""How near to a ceiling, in nats, an estimate counts as saturated."""


def verdict(nats: float, interval: Interval, n: int, ceiling: float | None = None) -> Iterator[str]:
    """Yield what the reader of an estimate should know.

    Arguments:
        nats: The estimate.
        interval: Its interval, in nats.
        n: The number of rows.
        ceiling: The most that the estimator can give, in nats; None where there is no such limit.

    Example:
        >>> list(verdict(0.001, Interval(0.95, -0.003, 0.005), 1000))
        ['not distinguishable from 0: the interval covers it']
    """
    if interval.low <= 0:
        yield "not distinguishable from 0: the interval covers it" if interval.high >= 0 else BELOW
    if ceiling is not None and nats > ceiling - NEAR:
        yield f"saturated: this estimator gives at most {ceiling:.2f} nats here, and the truth may be higher"
    elif nats > math.log(n) - NEAR:
        yield f"saturated: {n} rows cannot support more than about {math.log(n):.2f} nats, and the truth may be higher"
