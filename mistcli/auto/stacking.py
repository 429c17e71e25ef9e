"""How much of each critic goes into the answer: the weights that tell pairs from negatives best on rows that decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.residual import Judged

__all__ = ["Stacked", "stack", "trust"]

Floats = NDArray[np.float64]

SURE = 3.0
TOLERANCE = 1e-10
"""The change of the loss, relative to it, at which the search for weights ends."""


@dataclass(frozen=True)
class Stacked:
    """The weights of critics.

    Arguments:
        weights: The weight of each critic, not below 0.
        loss: The classifier's loss on the rows that decide, in nats.
        gain: How much lower it is than that of the copula alone.
        error: The standard error of the gain.
    """

    weights: tuple[float, ...]
    loss: float
    gain: float
    error: float

    @property
    def real(self) -> bool:
        """Whether the critics surely know something that the copula does not."""
        return self.gain > SURE * self.error

    @property
    def trust(self) -> float:
        """How far the critics are believed, 0 to 1."""
        return trust(self.gain, self.error) if self.gain > 0 else 0.0


def trust(value: float, error: float) -> float:
    r"""Return how far a value is believed, 0 to 1: :math:`(1 - 2 / z^2)_+`, where it is z standard errors.

    References:
        | Estimation with quadratic loss (James and Stein, 1961)
        | https://projecteuclid.org/euclid.bsmsp/1200512173

    Example:
        >>> trust(0.1, 0.05), trust(0.1, 0.1)
        (0.5, 0.0)
    """
    return max(0.0, 1 - 2 * (error / value) ** 2) if value else 0.0


def stack(judged: Sequence[Judged]) -> Stacked:
    r"""Weigh critics by logistic regression.

    .. math:: \min_{w \geq 0} \; \mathbb{E}\big[\mathrm{sp}(-\ell(x, y))\big]
              + \mathbb{E}\big[\mathrm{sp}(\ell(x, \tilde y))\big], \qquad
              \ell = \ell_0 + \textstyle\sum_v w_v g_v

    over the pairs that decide and their negatives, with :math:`\mathrm{sp}(z) = \log(1 + e^z)`, the base
    :math:`\ell_0` and the critics :math:`g_v`. A critic that has learnt nothing gets no weight; one that is too sure of
    itself is toned down.

    References:
        | Stacked generalization (Wolpert, 1992)
        | https://doi.org/10.1016/S0893-6080(05)80023-1

    Arguments:
        judged: The scores of each critic, of the same pairs.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.standard_normal((4000, 9))
        >>> zero = np.zeros((4000, 9))
        >>> found = stack([Judged(zero[:, 0], zero[:, 1:], noise[:, 0], noise[:, 1:])])
        >>> found.weights[0] < 0.1, found.real
        (True, False)
    """
    first = judged[0]
    pos, neg = np.stack([one.pos for one in judged], -1), np.stack([one.neg for one in judged], -1)
    w = _weights(first, pos, neg)
    before = _losses(first.base_pos, first.base_neg)
    after = _losses(first.base_pos + pos @ w, first.base_neg + neg @ w)
    gain = before - after
    error = float(gain.std()) / len(gain) ** 0.5
    return Stacked(tuple(w.tolist()), float(after.mean()), float(gain.mean()), error)


def _weights(first: Judged, pos: Floats, neg: Floats) -> Floats:
    """Return the weights (V,), by L-BFGS-B: the loss is convex, and a critic at 0 can come back."""
    from scipy.optimize import minimize

    critics = pos.shape[-1]
    prior, ridge = np.full(critics, 1 / critics), 1 / len(pos)
    rows, base = neg.reshape(-1, critics), first.base_neg.ravel()

    def loss(w: Floats) -> tuple[float, Floats]:
        above, below, away = first.base_pos + pos @ w, base + rows @ w, w - prior
        value = np.logaddexp(0, -above).mean() + np.logaddexp(0, below).mean() + ridge / 2 * away @ away
        slope = -(_logistic(-above) @ pos) / len(pos) + _logistic(below) @ rows / len(rows) + ridge * away
        return float(value), slope

    bounds = [(0.0, None)] * critics
    found: Floats = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds, tol=TOLERANCE).x
    return found


def _losses(pos: Floats, neg: Floats) -> Floats:
    """Return the classifier's loss of each pair and its negatives, (V,) in nats."""
    losses: Floats = np.logaddexp(0, -pos) + np.logaddexp(0, neg).mean(-1)
    return losses


def _logistic(z: Floats) -> Floats:
    from scipy.special import expit

    share: Floats = expit(z)
    return share
