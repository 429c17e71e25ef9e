r"""How much of each member goes into the answer: logistic regression with weights that are not negative.

.. math:: \min_{w \geq 0} \; \mathbb{E}\big[\mathrm{sp}(-\ell(x, y))\big]
          + \mathbb{E}\big[\mathrm{sp}(\ell(x, \tilde y))\big], \qquad \ell = \ell_0 + \textstyle\sum_v w_v g_v

over pairs and negatives that the members have not seen, with :math:`\mathrm{sp}(z) = \log(1 + e^z)`. The loss is
convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Weighed", "losses", "weigh"]

Floats = NDArray[np.float64]

MOST = 1.5


@dataclass(frozen=True)
class Weighed:
    """The weights of members.

    Arguments:
        weights: The weight of each, (V,), not below 0.
        gain: By how much the loss is lower than that of the base alone, in nats.
        error: The standard error of the gain.
    """

    weights: Floats
    gain: float
    error: float

    @property
    def sure(self) -> float:
        """The gain in units of its standard error."""
        return self.gain / self.error if self.error > 0 else 0.0


def weigh(base_pos: Floats, base_neg: Floats, pos: Floats, neg: Floats) -> Weighed:
    """Weigh members by their log ratios beyond those of a base.

    Arguments:
        base_pos: The log ratios of pairs under the base, (N,).
        base_neg: Those of negatives, (N, M).
        pos: What the members add to pairs, (N, V).
        neg: What they add to negatives, (N, M, V).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pos, neg = rng.normal(1, 2**0.5, (2000, 1)), rng.normal(-1, 2**0.5, (2000, 4, 1))
        >>> weigh(np.zeros(2000), np.zeros((2000, 4)), pos, neg).weights.round(1)
        array([1.])
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    n, count = pos.shape
    flat, base = neg.reshape(-1, count), base_neg.ravel()

    def loss(w: Floats) -> tuple[float, Floats]:
        above, below = base_pos + pos @ w, base + flat @ w
        value = np.logaddexp(0, -above).mean() + np.logaddexp(0, below).mean() + w @ w / (2 * n)
        slope = -(expit(-above) @ pos) / n + expit(below) @ flat / len(flat) + w / n
        return float(value), slope

    bounds = [(0.0, MOST)] * count
    w = np.asarray(minimize(loss, np.full(count, 1 / count), jac=True, method="L-BFGS-B", bounds=bounds).x)
    gain = losses(base_pos, base_neg) - losses(base_pos + pos @ w, base_neg + neg @ w)
    return Weighed(w, float(gain.mean()), float(gain.std()) / n**0.5)


def losses(pos: Floats, neg: Floats) -> Floats:
    """Return the loss of each pair and its negatives, (N,), (N, M) -> (N,) in nats."""
    found: Floats = np.logaddexp(0, -pos) + np.logaddexp(0, neg).mean(-1)
    return found
