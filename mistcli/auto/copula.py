"""The part of the dependence that a copula tells in closed form, from which a critic starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.auto.features import scores
from mistcli.critics.elliptical import EllipticalCritic
from mistcli.data.cleaning import Variable
from mistcli.errors import DataError
from mistcli.estimators.base import shifts
from mistcli.estimators.gaussian import Gaussian
from mistcli.estimators.t_copula import TCopula
from mistcli.training.trainer import generator

__all__ = ["Base", "fit_base"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

NORMAL = 10.0
"""What tells a column from a normal one; see `_normal`."""

NEGATIVES = 8
"""The negatives a pair by which a copula is judged."""


@dataclass(frozen=True)
class Base:
    r"""A Student copula of x and y, of which the normal one is a special case.

    Arguments:
        critic: Its log ratio, as a function of its scores.
        x: The scores of x, :math:`(N, D_x)`: ranks mapped to the quantiles of the marginals, or normal columns.
        y: The scores of y, :math:`(N, D_y)`.
        log_ratio: Its log ratio at each row, (N,) in nats, less the bias of having been fitted to these rows.
        nu: Its degrees of freedom, infinite for the normal copula.
    """

    critic: EllipticalCritic
    x: Floats
    y: Floats
    log_ratio: Floats
    nu: float

    def dependence(self, order: Rows) -> float:
        r"""Return what measures the dependence of x and `y[order]`, in nats.

        It is the mutual information of a normal copula fitted to these pairs, and the mean log ratio of the Student
        copula where x and y are uncorrelated, which rises where both are far out together.
        """
        y, dx = self.y[order], self.x.shape[1]
        r = np.corrcoef(np.concatenate([self.x, y], 1).T)
        halves = [np.linalg.slogdet(part)[1] / 2 for part in (r[:dx, :dx], r[dx:, dx:], r)]
        linear = float(halves[0] + halves[1] - halves[2])
        if np.isinf(self.nu):
            return linear
        apart = r.copy()
        apart[:dx, dx:] = apart[dx:, :dx] = 0
        critic = EllipticalCritic(torch.from_numpy(apart), dx, self.nu)
        with torch.inference_mode():
            return linear + float(critic(torch.from_numpy(self.x), torch.from_numpy(y)).mean())

    def score(self, x: Rows, y: Rows) -> Floats:
        """Return the log ratios of pairs of rows, whose places broadcast, (*,) in nats."""
        with torch.inference_mode():
            scores = self.critic(torch.from_numpy(self.x[x]).float(), torch.from_numpy(self.y[y]).float())
        found: Floats = scores.double().numpy()
        return found

    @property
    def loss(self) -> float:
        """The loss of the classifier that it is, in nats: that of one which says nothing is :math:`2 \\log 2`."""
        n = len(self.x)
        rows = np.arange(n)
        neg = [self.score(rows, np.roll(rows, int(s))) for s in shifts(n, min(NEGATIVES, n - 1))]
        return float(np.logaddexp(0, -self.score(rows, rows)).mean() + np.logaddexp(0, neg).mean())


def fit_base(x: Variable, y: Variable, seed: int) -> Base | None:
    r"""Fit the copula to the continuous columns.

    Where no column can be told from a normal one, the columns themselves are taken, since ranks blur what is nearly
    deterministic.

    Returns:
        The copula; None where a side has no continuous column, the rows are too few, some columns follow from others,
        or the copula tells pairs from others worse than a coin.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, noise = rng.standard_normal((2, 4000, 1))
        >>> sides = [Variable(("a",), side, (None,)) for side in (x, 0.8 * x + 0.6 * noise)]
        >>> base = fit_base(*sides, 0)
        >>> base.nu, bool(abs(base.log_ratio.mean() - 0.5108) < 0.03)
        (inf, True)
    """
    ranked = scores(x, "normal"), scores(y, "normal")
    if not all(side.size for side in ranked):
        return None
    try:
        base = _copula(*ranked, seed)
        plain = scores(x, "standard"), scores(y, "standard")
        if np.isinf(base.nu) and all(_normal(a, b) for a, b in zip(plain, ranked, strict=True)):
            base = _normals(*plain)
    except DataError:
        return None
    return base if base.loss < 2 * math.log(2) else None


def _copula(x: Floats, y: Floats, seed: int) -> Base:
    estimator, dx = TCopula(), x.shape[1]
    sides = torch.from_numpy(x), torch.from_numpy(y)
    log_ratio = estimator.fit_log_ratio(*sides, generator=generator(seed, "copula"))
    scores, nu = estimator.scores(*sides).numpy(), float(estimator.nu)
    critic = EllipticalCritic(estimator.correlation, dx, nu).float()
    return Base(critic, scores[:, :dx], scores[:, dx:], log_ratio.numpy(), nu)


def _normals(x: Floats, y: Floats) -> Base:
    log_ratio = Gaussian().fit_log_ratio(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    r = torch.from_numpy(np.corrcoef(np.concatenate([x, y], 1).T))
    return Base(EllipticalCritic(r, x.shape[1], math.inf).float(), x, y, log_ratio, math.inf)


def _normal(plain: Floats, ranked: Floats) -> bool:
    r"""Return whether no column can be told from a normal one, by its correlation with its normal scores.

    Of a normal column :math:`N (1 - r^2)` grows more slowly than any power of the rows, and is below 10 for all that
    fit into memory; one outlier of ten deviations exceeds that.

    References:
        | An approximate analysis of variance test for normality (Shapiro and Francia, 1972)
        | https://doi.org/10.1080/01621459.1972.10481232
    """
    r = (plain * ranked).mean(0) / (plain.std(0) * ranked.std(0))
    return bool((len(plain) * (1 - r**2) < NORMAL).all())
