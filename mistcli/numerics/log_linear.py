r"""Log-linear models of the dependence between several discrete columns a side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Features", "LogLinear", "Margin", "fit_log_linear", "indicator_features"]

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

ITERATIONS, ROUNDS, SCALINGS = 40, 3, 5
"""The most iterations of L-BFGS a round, rounds of coefficients and scalings, and scalings a round; more of any change
the estimate by less than 0.001 nats."""

FLAT = 1e7
"""The relative decrease of the loss at which L-BFGS stops, in units of the machine epsilon: about 2e-9."""

LEVEL = 0.05
"""The probability that independent sides pass the screening."""

MOST_VALUES = 512
"""The most values of a side over which a model is normalised; bounds time and memory."""


@dataclass(frozen=True)
class Margin:
    """The values of one side over which a model is normalised.

    Attributes:
        features: Their features, (L, Q).
        log_weight: The logarithms of their probabilities, (L,).
        log_scale: What is subtracted from the scores of each, (L,), so that both margins are met.
    """

    features: Floats
    log_weight: Floats
    log_scale: Floats


@dataclass(frozen=True)
class LogLinear:
    r"""A fitted model :math:`p(x, y) = p(x) \, p(y) \exp(\phi(x)^\top \Theta \, \psi(y) - a(x) - b(y))`.

    The functions a and b are such that the margins of the model are those of the training rows.

    Attributes:
        coefficients: :math:`\Theta`, (P, Q).
        x: The values of x.
        y: The values of y.
    """

    coefficients: Floats
    x: Margin
    y: Margin

    def score(self, x: Floats, y: Floats) -> Floats:
        r"""Return :math:`\phi(x)^\top \Theta \, \psi(y)` of each pair of features, (N, P), (N, Q) -> (N,)."""
        scores: Floats = ((x @ self.coefficients) * y).sum(1)
        return scores

    def log_ratio(self, x: Floats, y: Floats) -> Floats:
        r"""Return :math:`\log \frac{p(x, y)}{p(x) p(y)}` of each pair of features, (N,) in nats."""
        a = _log_mean_exp(x @ self.coefficients @ self.y.features.T, self.y)
        b = _log_mean_exp(y @ self.coefficients.T @ self.x.features.T, self.x)
        return self.score(x, y) - a - b


def _log_mean_exp(scores: Floats, margin: Margin) -> Floats:
    """Return the logarithm of the weighted mean of the exponentials of scaled scores, (N, L) -> (N,)."""
    from scipy.special import logsumexp

    normaliser: Floats = logsumexp(scores + (margin.log_weight - margin.log_scale), axis=1)
    return normaliser


@dataclass(frozen=True)
class Features:
    """Features of the levels of columns, in blocks of one column, or of two columns.

    Attributes:
        values: The features, of mean 0, and within a block uncorrelated and of unit variance, (N, P).
        block: The block of each feature, (P,).
    """

    values: Floats
    block: Codes

    def __getitem__(self, rows: Codes) -> Features:
        """Return the features of some of the rows."""
        return Features(self.values[rows], self.block)


def indicator_features(columns: Codes, order: int = 1) -> Features:
    r"""Return features that span the indicators of the levels of columns.

    Arguments:
        columns: Codes of levels, (N, D).
        order: 1 for levels of single columns, 2 for combinations of the levels of two columns too.

    Example:
        >>> indicator_features(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), order=2).block
        array([0, 1, 2])
    """
    main = [_orthonormal((column[:, None] == np.unique(column)).astype(np.float64)) for column in columns.T]
    parts = list(main)
    if order == 2:
        pairs = ((first, second) for place, first in enumerate(main) for second in main[place + 1 :])
        parts += [_orthonormal((a[:, :, None] * b[:, None]).reshape(len(columns), -1)) for a, b in pairs]
    block = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return Features(np.concatenate(parts, axis=1), block)


def _orthonormal(features: Floats) -> Floats:
    """Return uncorrelated features of unit variance with the span of `features` and the constant, less the latter."""
    centred = features - features.mean(0)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = variance > 1e-9
    whitened: Floats = centred @ (axes[:, kept] / np.sqrt(variance[kept]))
    return whitened


def fit_log_linear(
    x: Features, y: Features, penalties: Sequence[float], *, screened: bool = False, rng: np.random.Generator
) -> list[LogLinear]:
    r"""Fit the model by penalised likelihood, once for each penalty.

    .. math:: \max_\Theta \sum_i \log \frac{p_\Theta(x_i, y_i)}{p(x_i) p(y_i)} - \frac{\lambda}{2} \|\Theta\|^2

    Arguments:
        x: The features :math:`\phi(x)` of the training rows.
        y: The features :math:`\psi(y)` of the training rows.
        penalties: The penalties :math:`\lambda`, in decreasing order; each fit starts from the one before.
        screened: Whether the coefficients of two blocks are 0 unless Pearson's chi-squared test finds the blocks
            dependent, at a level of 0.05 for all pairs of blocks together (Bonferroni).
        rng: Draws a sample of the values of a side where there are more than `MOST_VALUES`.
    """
    target = x.values.T @ y.values  # the sufficient statistic, (P, Q)
    free = _dependent(target, x, y) if screened else np.ones_like(target, dtype=bool)
    sides = _values(x.values, rng), _values(y.values, rng)
    fitted, theta = [], np.zeros_like(target)
    for penalty in penalties:
        for _ in range(ROUNDS if free.any() else 0):
            theta = _coefficients(theta, free, target / len(x.values), sides, penalty / len(x.values))
            sides = _scaled(theta, sides)
        fitted.append(LogLinear(theta, *sides))
    return fitted


def _dependent(target: Floats, x: Features, y: Features) -> NDArray[np.bool_]:
    r"""Return which coefficients belong to blocks that are dependent, (P, Q).

    With uncorrelated features in each block, Pearson's statistic is :math:`N \sum_{pq} r_{pq}^2`.
    """
    from scipy.special import chdtrc

    sums = [np.eye(int(side.block.max()) + 1)[side.block] for side in (x, y)]  # indicators of blocks, (P, B)
    statistic = sums[0].T @ np.square(target) @ sums[1] / len(x.values)
    degrees = np.outer(sums[0].sum(0), sums[1].sum(0))
    dependent = chdtrc(np.maximum(degrees, 1), statistic) < LEVEL / degrees.size
    passed: NDArray[np.bool_] = dependent[x.block][:, y.block]
    return passed


def _values(features: Floats, rng: np.random.Generator) -> Margin:
    """Return the different values of a side, those of a random sample of rows where there are too many."""
    values, counts = np.unique(features, axis=0, return_counts=True)
    if len(values) > MOST_VALUES:
        sample = rng.choice(len(features), MOST_VALUES, replace=False)
        values, counts = np.unique(features[sample], axis=0, return_counts=True)
        values -= np.average(values, 0, counts)  # as the features of all rows are centred
    return Margin(values, np.log(counts / counts.sum()), np.zeros(len(values)))


def _coefficients(
    theta: Floats, free: NDArray[np.bool_], target: Floats, sides: tuple[Margin, Margin], penalty: float
) -> Floats:
    """Return the coefficients that maximise the penalised likelihood of y given x, with the scales of y held fixed."""
    from scipy.optimize import fmin_l_bfgs_b

    x, y = sides
    x_weight, y_offset = np.exp(x.log_weight), y.log_weight - y.log_scale

    def loss(flat: Floats) -> tuple[float, Floats]:
        current = np.zeros_like(theta)
        current[free] = flat
        logits = x.features @ current @ y.features.T + y_offset
        top = logits.max(1, keepdims=True)
        np.exp(np.subtract(logits, top, out=logits), out=logits)
        total = logits.sum(1, keepdims=True)
        value = x_weight @ (top + np.log(total))[:, 0] - (target * current).sum() + penalty / 2 * (flat @ flat)
        logits *= x_weight[:, None] / total
        gradient = x.features.T @ (logits @ y.features) - target + penalty * current
        return float(value), gradient[free]

    best = np.zeros_like(theta)
    best[free] = fmin_l_bfgs_b(loss, theta[free], factr=FLAT, maxiter=ITERATIONS)[0]
    return best


def _scaled(theta: Floats, sides: tuple[Margin, Margin]) -> tuple[Margin, Margin]:
    """Return both sides with scales by which the model meets both margins (Sinkhorn's algorithm)."""
    x, y = sides
    scores = x.features @ theta @ y.features.T
    for _ in range(SCALINGS):
        x = replace(x, log_scale=_log_mean_exp(scores, y))
        y = replace(y, log_scale=_log_mean_exp(scores.T, x))
    return x, y
