r"""Closed-form classifiers: the log ratio of a discrete side, of few levels, and any other side.

Each classifier gives, for every row and level, an unnormalised log ratio

.. math:: a_{ic} = \log \hat p(z_i \mid c) - \log \hat p(z_i)

up to a term that depends on the row alone, fitted once a fold to the rows that the fold does not value, and once to all
rows. `mistcli.auto.classes` weighs and normalises them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C
from mistcli.data.splitting import Fold

__all__ = ["Classified", "classifiers"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Classifier: TypeAlias = Callable[[Floats, Rows, Floats, int], Floats]
"""Maps training features (T, D), their codes (T,), features (M, D) and the number of levels L to log ratios (M, L)."""

LEAST_VARIANCE = 1e-6
"""The least variance of a feature within levels, relative to its variance: below it rounding decides."""

LEAST_WIDTH = 0.05
"""The least spread of a level that a kernel is fitted to, relative to that of all rows."""

MOST_CENTRES = 2_000
"""The most rows of a level at which kernels stand: more change a density by less than its smoothing does."""

GRID = 1_000
"""The points of a column at which a density is computed, between which it is interpolated."""

CHUNK = 256
"""The kernels that are evaluated at once; bounds memory, not results."""


@dataclass(frozen=True)
class Classified:
    """The log ratios of one classifier.

    Arguments:
        name: The name of the classifier, a stable identifier.
        unseen: The unnormalised log ratios by the fit that has not seen the row, (N, L) in nats.
        seen: Those by the fit to all rows, (N, L); None where that means nothing, as for kernels.
    """

    name: str
    unseen: Floats
    seen: Floats | None


def classifiers(raw: Floats, ranked: Floats, codes: Rows, folds: Sequence[Fold]) -> list[Classified]:
    """Fit the classifiers that rows and features allow: normal ones, and kernels of few columns.

    Arguments:
        raw: Standardised features, (N, D).
        ranked: Normal scores and indicators, (N, D).
        codes: The level of each row, (N,), from 0.
        folds: The folds.
    """
    d, fewest = raw.shape[1], int(np.bincount(codes).min())
    chosen: list[tuple[str, Classifier, Floats, bool]] = []
    for view, z in (("raw", raw), ("ranks", ranked)):
        chosen.append((f"linear_{view}", normal(own=False), z, True))
        if d <= min(C.quadratic_columns, max(2, fewest // C.rows_a_column)):
            chosen.append((f"quadratic_{view}", normal(own=True), z, True))
    if d <= C.additive_columns:
        chosen += [(f"kernels_{s:g}", kernel(s, joint=False), ranked, False) for s in C.kernel_scales]
    if 2 <= d <= C.kernel_columns and len(codes) <= C.kernel_rows:
        chosen.append(("kernels_joint", kernel(1.0, joint=True), ranked, False))
    return [out_of_fold(name, one, z, codes, folds, seen=seen) for name, one, z, seen in chosen]


def out_of_fold(
    name: str, classifier: Classifier, z: Floats, codes: Rows, folds: Sequence[Fold], *, seen: bool
) -> Classified:
    """Fit a classifier once a fold, and to all rows if `seen`.

    Arguments:
        name: Its name.
        classifier: The classifier.
        z: The features, (N, D).
        codes: The level of each row, (N,), from 0.
        folds: The folds.
        seen: Whether to fit it to all rows as well.
    """
    levels = int(codes.max()) + 1
    unseen = np.zeros((len(z), levels))
    for fold in folds:
        rows = np.concatenate([fold.train, fold.valid])
        if not len(rows) or not len(fold.test):
            continue
        unseen[fold.test] = classifier(z[rows], codes[rows], z[fold.test], levels)
    return Classified(name, unseen, classifier(z, codes, z, levels) if seen else None)


def normal(*, own: bool) -> Classifier:
    r"""Return the classifier of normal features within each level: linear, or quadratic where covariances are `own`.

    .. math:: a_c(z) = -\tfrac12 \log |\Sigma_c| - \tfrac12 (z - \mu_c)^\top \Sigma_c^{-1} (z - \mu_c)

    Means are drawn to the overall mean by one pseudo-row; covariances, to their diagonal (the pooled one) and to the
    pooled one (each level's own) by :math:`D + 2` pseudo-rows, the fewest for which an inverse Wishart prior has a
    mean.

    References:
        | Regularized discriminant analysis (Friedman, 1989)
        | https://doi.org/10.1080/01621459.1989.10478752
    """

    def classify(train: Floats, codes: Rows, z: Floats, levels: int) -> Floats:
        n, d = train.shape
        prior = d + 2
        onehot = (codes[:, None] == np.arange(levels)).astype(np.float64)
        counts, overall = onehot.sum(0), train.mean(0)
        means = (onehot.T @ train + overall) / (counts + 1)[:, None]
        rest = train - means[codes]
        pooled = rest.T @ rest / n
        diagonal = np.maximum(np.diag(pooled), LEAST_VARIANCE * train.var(0) + 1e-300)
        pooled = (n * pooled + prior * np.diag(diagonal)) / (n + prior)
        np.fill_diagonal(pooled, np.maximum(np.diag(pooled), diagonal))
        if not own:
            factor = np.linalg.inv(np.linalg.cholesky(pooled)).T
            a, b = z @ factor, means @ factor
            linear: Floats = a @ b.T - np.square(b).sum(1) / 2
            return linear
        found = np.empty((len(z), levels))
        for c in range(levels):
            part = rest[codes == c]
            covariance = (part.T @ part + prior * pooled) / (len(part) + prior)
            factor = np.linalg.cholesky(covariance)
            square = np.square(np.linalg.solve(factor, (z - means[c]).T)).sum(0)
            found[:, c] = -square / 2 - np.log(np.diag(factor)).sum()
        return found

    return classify


def kernel(scale: float, *, joint: bool) -> Classifier:
    r"""Return the classifier of kernel densities within each level.

    .. math:: a_c(z) = \log \frac{n_c \hat f_c(z) + \hat f(z)}{(n_c + 1) \hat f(z)}

    with normal kernels of width :math:`s \, \sigma \, n_c^{-1/(d + 4)}`, so that where no row is near the ratio is
    that of no dependence.

    References:
        | Density estimation for statistics and data analysis (Silverman, 1986), equation 4.14

    Arguments:
        scale: The factor :math:`s` of the width.
        joint: Whether the density is that of all features together, rather than a product over features.
    """

    def classify(train: Floats, codes: Rows, z: Floats, levels: int) -> Floats:
        d = train.shape[1]
        parts = [np.arange(d)] if joint else [np.array([j]) for j in range(d)]
        total: Floats = np.sum([_kernel_ratio(train[:, p], codes, z[:, p], levels, scale) for p in parts], 0)
        return total

    return classify


def _kernel_ratio(train: Floats, codes: Rows, z: Floats, levels: int, scale: float) -> Floats:
    d, counts = train.shape[1], np.bincount(codes, minlength=levels)
    spread = max(float(np.sqrt(train.var(0).mean())), 1e-12)
    densities = np.zeros((len(z), levels))
    for c in np.flatnonzero(counts):
        part = train[codes == c]
        own = float(np.sqrt(part.var(0).mean())) if len(part) > 2 else spread
        width = scale * max(own, LEAST_WIDTH * spread) * len(part) ** (-1 / (d + 4))
        densities[:, c] = _density(part[:: -(-len(part) // MOST_CENTRES)], z, width)
    overall = densities @ (counts / counts.sum()) + 1e-300
    ratio: Floats = np.log((counts * densities + overall[:, None]) / ((counts + 1) * overall[:, None]))
    return ratio


def _density(centres: Floats, z: Floats, width: float) -> Floats:
    """Return a kernel density at rows, (T, d), (M, d) -> (M,): by way of a grid in one column of many rows."""
    d = centres.shape[1]
    if d == 1 and len(z) > GRID:
        grid = np.linspace(z.min(), z.max(), GRID)
        found: Floats = np.interp(z[:, 0], grid, _density(centres, grid[:, None], width))
        return found
    total = np.zeros(len(z))
    for start in range(0, len(centres), CHUNK):
        distance = np.square(z[:, None] - centres[None, start : start + CHUNK]).sum(-1)
        total += np.exp(-distance / (2 * width**2)).sum(1)
    density: Floats = total / len(centres) / (math.sqrt(2 * math.pi) * width) ** d
    return density
