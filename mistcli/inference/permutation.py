"""The p-value of independence: how the sides would look beside each other if neither knew of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.inference.sampling_design import Design

__all__ = ["p_value"]

Rows = NDArray[np.int64]

ROUNDING = 1e-6
"""How near two statistics are, beside their size and spread, that count as equal: they are sums of 32-bit numbers."""


def p_value(
    statistic: Callable[[Rows], float],
    design: Design,
    parts: Sequence[Rows],
    permutations: int,
    rng: np.random.Generator,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[float, int]:
    r"""Return the p-value of independence, and the number of permutations that it rests on.

    .. math:: p = \frac{1 + \#\{b : T_b \ge T\}}{1 + B}

    with :math:`T` the statistic of the rows as they are, and :math:`T_b` that of a random order. Equal ones count, and
    the rows as they are count as one more: so p is never too small, not even with few permutations.

    References:
        | Permutation p-values should never be zero (Phipson and Smyth, 2010)
        | https://doi.org/10.2202/1544-6115.1585
        | Learning representations for independence testing (Xu et al., 2024)
        | https://arxiv.org/abs/2409.06890

    Arguments:
        statistic: Returns, for an order of the rows, how much x tells of `y[order]`.
        design: Which rows belong together.
        parts: The rows that may change places with each other, part by part.
        permutations: The number :math:`B` of random orders.
        rng: Draws them.
        should_stop: Is asked after every permutation whether to stop.

    Example:
        >>> from mistcli.inference.sampling_design import Apart
        >>> x = np.arange(50.0)
        >>> p_value(lambda order: float(x @ x[order]), Apart(50), [np.arange(50)], 99, np.random.default_rng(0))
        (0.01, 99)
    """
    observed = statistic(np.arange(sum(len(rows) for rows in parts)))
    null: list[float] = []
    while len(null) < permutations:
        null.append(statistic(design.order(parts, rng)))
        if should_stop():
            break
    drawn = np.array(null)
    finite = drawn[np.isfinite(drawn)]
    slack = ROUNDING * (abs(observed) + (finite.std() if len(finite) else 0.0))
    as_large = ~(drawn < observed - slack)  # of one that is not finite nothing is known
    return (1 + int(as_large.sum())) / (1 + len(null)), len(null)
