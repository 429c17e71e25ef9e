r"""What several columns together tell of a target, on rows that the fit has not seen.

.. math:: I(S; Y) \ge \mathbb{E}\Big[\log \frac{q(Y \mid S)}{q(Y)}\Big]

with a multinomial logistic regression for a discrete target. For a continuous one, q is a mixture of a normal
regression of its normal scores and of a logistic regression of its cells, which sees more than the mean. All are
regressions on features of the ranks. The mean over rows out of fold is a lower bound, short of what is not additive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from mistcli.data.splitting import Fold
from mistcli.matrix.ranks import Floats, Ints

__all__ = ["out_of_fold"]

RIDGE = 1.0
"""The precision of the normal prior of standardised weights: one row's worth, as in scikit-learn's default."""

STEPS = 100

FEWEST_A_CELL, MOST_CELLS = 40, 8
"""The rows of a cell of a continuous target, and the most cells, with which 92 % of the information of a normal pair
with a correlation of 0.8 is left (by numerical integration)."""


def out_of_fold(features: Floats, target: Floats, classes: int, folds: Sequence[Fold]) -> Floats:
    """Return the log ratio of each row, by a fit that has not seen it, (N,) in nats.

    Arguments:
        features: The features, (N, D).
        target: Codes of a discrete target, or normal scores of a continuous one, (N,).
        classes: The number of levels of the target; 0 for a continuous one.
        folds: Which rows are valued together.

    Example:
        >>> from mistcli.data.splitting import cross_fitting
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((1000, 1))
        >>> y = 0.8 * x[:, 0] + 0.6 * rng.standard_normal(1000)
        >>> folds = cross_fitting(1000, 5, 0.1, rng)
        >>> bool(abs(out_of_fold(x, y, 0, folds).mean() - 0.51) < 0.1)  # -log(1 - 0.64) / 2
        True
    """
    if classes:
        return _valued(_classes, features, target.astype(np.int64), folds)
    ranks = np.argsort(np.argsort(target, kind="stable"), kind="stable")
    cells = int(np.clip(len(target) // FEWEST_A_CELL, 2, MOST_CELLS))
    normal = _valued(_normal, features, target, folds)
    return _mixed(normal, _valued(_classes, features, ranks * cells // len(ranks), folds))


def _valued(fit: Callable[..., Floats], features: Floats, target: Floats | Ints, folds: Sequence[Fold]) -> Floats:
    """Return the log ratio of each row by a fit that has not seen it, (N,)."""
    found = np.zeros(len(target))
    for fold in folds:
        rows = np.concatenate([fold.train, fold.valid])
        centre, scale = features[rows].mean(0), features[rows].std(0)
        scaled = (features - centre) / np.where(scale > 0, scale, 1.0)
        scaled = np.column_stack([np.ones(len(scaled)), scaled])
        found[fold.test] = fit(scaled[rows], target[rows], scaled[fold.test], target[fold.test])
    return found


def _mixed(first: Floats, second: Floats) -> Floats:
    """Return the log ratio of the mixture whose one weight makes its mean largest, (N,), by expectation maximisation.

    One weight for all rows raises the mean by chance by 1 / 2 N.
    """
    weight = 0.5
    for _ in range(STEPS):
        both = np.logaddexp(np.log(weight) + first, np.log1p(-weight) + second)
        weight = float(np.clip(np.exp(np.log(weight) + first - both).mean(), 1e-6, 1 - 1e-6))
    return np.asarray(np.logaddexp(np.log(weight) + first, np.log1p(-weight) + second))


def _normal(x: Floats, y: Floats, x_test: Floats, y_test: Floats) -> Floats:
    """Return the log ratio of a normal regression to a normal distribution."""
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 0
    weights = np.linalg.solve(x.T @ x + penalty, x.T @ y)
    # residuals of a fit are too small: the degrees of freedom of the weights are missing
    freedom = max(len(y) - x.shape[1], 1)
    variance = max(float(np.square(y - x @ weights).sum()) / freedom, 1e-12)
    mean, whole = float(y.mean()), max(float(y.var(ddof=1)), 1e-12)
    first = np.square(y_test - x_test @ weights) / variance + np.log(variance)
    second = np.square(y_test - mean) / whole + np.log(whole)
    return np.asarray((second - first) / 2)


def _classes(x: Floats, y: Ints, x_test: Floats, y_test: Ints) -> Floats:
    """Return the log ratio of a logistic regression to the shares of the levels, each of which counts one row more."""
    classes = int(max(y.max(), y_test.max())) + 1
    shape = x.shape[1], classes
    indicator = np.eye(classes)[y]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        scores = log_softmax(x @ weights, axis=1)
        penalised = weights[1:]
        value = RIDGE * np.square(penalised).sum() / 2 - (scores * indicator).sum()
        slope = x.T @ (np.exp(scores) - indicator)
        slope[1:] += RIDGE * penalised
        return float(value), slope.ravel()

    start = np.zeros(shape)
    share = (np.bincount(y, minlength=classes) + 1) / (len(y) + classes)
    start[0] = np.log(share)
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    scores = log_softmax(x_test @ found.x.reshape(shape), axis=1)
    return np.asarray(scores[np.arange(len(y_test)), y_test] - np.log(share)[y_test])
