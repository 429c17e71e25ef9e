"""The part of the dependence that a copula tells in closed form, from which a critic starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.critics.elliptical import EllipticalCritic
from mistcli.errors import DataError
from mistcli.estimators.t_copula import TCopula
from mistcli.training.trainer import generator

__all__ = ["Base", "fit_base"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Base:
    r"""A Student copula of x and y, of which the normal one is a special case.

    Arguments:
        critic: Its log ratio, as a function of its scores.
        x: The scores of x, :math:`(N, D_x)`: ranks mapped to the quantiles of the marginals.
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


def fit_base(x: Floats, y: Floats, seed: int) -> Base | None:
    r"""Fit the copula to continuous columns, :math:`(N, D_x), (N, D_y)`.

    Returns:
        The copula; None where a side has no column, the rows are too few, or some columns follow from others.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, noise = rng.standard_normal((2, 4000, 1))
        >>> base = fit_base(x, 0.8 * x + 0.6 * noise, 0)
        >>> base.nu, bool(abs(base.log_ratio.mean() - 0.5108) < 0.03)
        (inf, True)
    """
    if not (x.size and y.size):
        return None
    estimator, dx = TCopula(), x.shape[1]
    sides = torch.from_numpy(x), torch.from_numpy(y)
    try:
        log_ratio = estimator.fit_log_ratio(*sides, generator=generator(seed, "copula"))
    except DataError:
        return None
    scores, nu = estimator.scores(*sides).numpy(), float(estimator.nu)
    critic = EllipticalCritic(estimator.correlation, dx, nu).float()
    return Base(critic, scores[:, :dx], scores[:, dx:], log_ratio.numpy(), nu)
