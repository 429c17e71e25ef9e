"""What the estimators have in common that are made of densities and trained by their likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mistcli.distributions import ConditionalRatio, Density, DensityRatio
from mistcli.estimators.base import CriticEstimator, TrainableEstimator, shifts

__all__ = ["ContrastedEstimator", "GenerativeEstimator"]

ROWS = 4096
"""The most pairs that are valued at once; bounds memory, not results."""


class GenerativeEstimator(TrainableEstimator):
    """An estimator whose log ratio is that of densities.

    Arguments:
        critic: The log ratio, as a critic made of densities.
    """

    stackable = True

    def __init__(self, critic: DensityRatio) -> None:
        super().__init__()
        self.critic = critic

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return minus the mean log likelihood of pairs, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""
        return self.critic.loss(x, y)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratios under the densities, `(*, N)` in nats."""
        pairs = zip(torch.split(x, ROWS, -2), torch.split(y, ROWS, -2), strict=True)
        return torch.cat([self.critic(*pair) for pair in pairs], -1)


class ContrastedEstimator(CriticEstimator):
    r"""An estimator that contrasts :math:`\log q(y \mid x)` of pairs with that of other combinations.

    It is trained by the likelihood alone; negatives are for the value. They combine each y with other x, so that
    their mean is a density of that y.

    Arguments:
        conditional: The density :math:`q(y \mid x)`.
    """

    stackable = True
    critic: ConditionalRatio

    def __init__(self, conditional: Density) -> None:
        # a constant cancels out; this one makes the untrained log density 0 on average, as it suits hybrids
        entropy = 0.5 * conditional.dim * math.log(2 * math.pi * math.e)
        super().__init__(ConditionalRatio(conditional, -entropy), neg_samples=self.value_negatives)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return minus the mean log likelihood of pairs, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""
        return self.critic.loss(x, y)

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Score each pair, and each y with `m` other x, :math:`(*, N)` and :math:`(*, N, M)`."""
        pos, neg = super().scores(x, y, m)
        n = x.shape[-2]
        rows = (torch.arange(n)[:, None] - shifts(n, m)) % n
        return pos, neg.gather(-2, rows.to(x.device).expand_as(neg))

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return "loss", and "mi" with fewer negatives than in the end."""
        scores = self.scores(x, y, min(x.shape[-2] - 1, 32))
        return {"loss": self.loss(x, y), "mi": self.value(*scores).mean(-1)}
