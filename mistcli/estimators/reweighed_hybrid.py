"""A critic that starts from the log ratio of densities."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import Generator, Tensor

from mistcli.critics.critic import Critic
from mistcli.critics.joint import JointCritic
from mistcli.estimators.base import CriticEstimator
from mistcli.estimators.hybrid import Generative, HybridEstimator

__all__ = ["CorrectedCritic", "ReweighedHybrid"]


class ReweighedHybrid(HybridEstimator):
    r"""A discriminative estimator whose critic starts from a generative one.

    .. math:: f(x, y) = \log \frac{r(x, y)}{p(x) p(y)} + g(x, y)

    The densities give the first term, and are trained by their likelihood; :math:`g` is a critic, trained by the loss
    of the discriminative estimator. With :math:`f` as its scores, that estimator contrasts pairs with samples of
    :math:`p(x) p(y)`, which are thereby weighed as samples of :math:`r`. It is a lower bound where the discriminative
    estimator is one, whatever the densities. What the densities say too much of in places that pairs hardly ever reach
    is in its partition: in many dimensions "smile", which clips it, is nearer than "js" or "nwj", and normal densities
    are nearer than mixtures, so that they are the default where y has more than ten columns.

    References:
        | On the effectiveness of hybrid mutual information estimation (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608

    Arguments:
        x_dim: The number of columns of x; the options are those of `HybridEstimator`.
        y_dim: The number of columns of y.

    Example:
        >>> hybrid = ReweighedHybrid(2, 1, discriminative="nwj", generative="doe")
        >>> hybrid.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    wide: ClassVar[str | None] = "gaussian"

    def joined(
        self,
        target: type[CriticEstimator],
        critic: JointCritic,
        generative: Generative,
        neg_samples: int,
        generator: Generator | None,
    ) -> CriticEstimator:
        """Return the discriminative estimator with a critic that starts from the generative one."""
        estimator = target(critic, neg_samples=neg_samples)
        # only now, for an estimator that copies its critic has a use for what is trained by its loss alone
        estimator.critic = CorrectedCritic(generative, critic)
        return estimator

    @property
    def generative(self) -> Generative:
        """The estimator made of densities."""
        return cast(CorrectedCritic, self.discriminative.critic).generative

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the sum of both as "loss", and "mi"."""
        measured = self.discriminative.measure(x, y)
        return {"loss": self.generative.loss(x, y) + measured["loss"], "mi": measured["mi"]}

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the log ratios of the discriminative estimator, :math:`(*, N)` in nats."""
        return self.discriminative.log_ratio(x, y)

    def ceiling(self, n: int) -> float | None:
        """Return that of the discriminative estimator."""
        return self.discriminative.ceiling(n)


class CorrectedCritic(Critic):
    """The log ratio of densities, through which no gradients flow, and a critic that corrects it.

    Arguments:
        generative: The estimator that is made of the densities.
        residual: The critic.
    """

    stackable: ClassVar[bool] = True

    def __init__(self, generative: Generative, residual: JointCritic) -> None:
        super().__init__()
        self.generative, self.residual = generative, residual
        self.width = residual.x_layer.bias.shape[-1]  # of either side, once it is embedded

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs, :math:`(*, D_x), (*, D_y) \to (*,)`."""
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return both embeddings of each side beside each other."""
        with torch.no_grad():
            bx, by = self.generative.critic.embed(x, y)
        rx, ry = self.residual.embed(x, y)
        return torch.cat([bx, rx], -1), torch.cat([by, ry], -1)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Add both scores."""
        with torch.no_grad():
            base: Tensor = self.generative.critic.score(hx[..., : -self.width], hy[..., : -self.width])
        return base + self.residual.score(hx[..., -self.width :], hy[..., -self.width :])
