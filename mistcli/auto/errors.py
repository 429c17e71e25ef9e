r"""The standard error of `auto`, towards smaller and towards larger values.

.. math:: \sigma_\pm^2 = \sum_t f_{\pm, t} \, t, \qquad
          t \in \Big\{ s^2, \; d^2, \; g^2, \; u^2, \; \frac{p}{2 N^2}, \; (D - 1) \frac{\hat I^2}{N}, \; m^2 \Big\}

with the standard error :math:`s` of the mean log ratio, the difference d of fits on rows they have seen and on others,
what neighbours find in all rows more than in halves of them g, by how much other members exceed the estimate u, the
number of free parameters p, the number of columns D, and what may go unseen in the columns, m. The factors :math:`f`
are fitted to random tables with known mutual information (`benchmarks/calibrate.py`), so that intervals hold as often
as they say. Estimates err on the low side more often and by more than on the high side, whence two standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.found import Found

__all__ = ["Errors", "errors"]


@dataclass(frozen=True)
class Errors:
    """Standard errors of an estimate, in nats.

    Arguments:
        low: That towards smaller values.
        high: That towards larger values.
        terms: What they are made of, by name, in nats squared.
    """

    low: float
    high: float
    terms: Mapping[str, float]

    @property
    def both(self) -> float:
        """The mean of both: half the width of an interval of 68 %."""
        return (self.low + self.high) / 2


def errors(found: Found, spread: float, columns: int) -> Errors:
    """Return the standard errors of an estimate.

    Arguments:
        found: The estimate.
        spread: The standard error of its mean log ratio, in nats.
        columns: The number of columns of both sides.

    Example:
        >>> import numpy as np
        >>> found = errors(Found(np.full(100, 0.2)), 0.1, 2)
        >>> found.low < found.both < found.high
        True
    """
    n = len(found.log_ratio)
    terms = {
        "spread": spread**2,
        "learnt": found.learnt**2,
        "growth": found.growth**2,
        "apart": found.apart**2,
        "free": max(found.free, 1.0) / (2 * n**2),
        "columns": (columns - 1) * max(found.value, 0.0) ** 2 / n,
        "hidden": found.hidden**2,
    }
    low, high = (
        math.sqrt(sum(factor * term for factor, term in zip(factors, terms.values(), strict=True)))
        for factors in (C.low, C.high)
    )
    return Errors(low, high, terms)
