"""Densities, and a critic that tells pairs from samples of them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Generator, Tensor

from mistcli.critics.joint import JointCritic
from mistcli.estimators.base import CHUNK, CriticEstimator
from mistcli.estimators.hybrid import Generative, HybridEstimator

__all__ = ["AgainstSamples", "ResampledHybrid"]

WIDTH = 64
"""About how many numbers a layer holds for each sample."""


class ResampledHybrid(HybridEstimator):
    r"""A generative estimator, and a discriminative one for what it misses.

    .. math:: I(X; Y) = \mathbb{E}_{p(x, y)}\left[\log \frac{r(x, y)}{p(x) p(y)}\right]
              + \mathrm{KL}(p(x, y) \,\|\, r(x, y))

    The densities of the generative estimator make :math:`r`, and it gives the first term. The second is that of the
    discriminative estimator, whose negatives are samples of :math:`r` instead of :math:`p(x) p(y)`: the better the
    densities, the less is left to tell, and the smaller its variance. The densities are trained by their likelihood,
    the critic by the loss of the discriminative estimator. It is a lower bound with "ba" and a discriminative
    estimator that is one.

    References:
        | On the effectiveness of hybrid mutual information estimation (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608

    Arguments:
        x_dim: The number of columns of x; the options are those of `HybridEstimator`.
        y_dim: The number of columns of y.

    Example:
        >>> hybrid = ResampledHybrid(2, 1, discriminative="nwj", generative="doe")
        >>> hybrid.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    def joined(
        self,
        target: type[CriticEstimator],
        critic: JointCritic,
        generative: Generative,
        neg_samples: int,
        generator: Generator | None,
    ) -> CriticEstimator:
        """Return the discriminative estimator against samples of the generative one."""
        # scores are asked of the next class in line, whatever else the estimator makes of them
        against: type[AgainstSamples] = type(f"{target.__name__}AgainstSamples", (target, AgainstSamples), {})
        estimator = against(critic, neg_samples=neg_samples)
        estimator.generative = generative
        estimator.register_buffer("seed", torch.randint(2**31, (), generator=generator))
        return estimator

    @property
    def generative(self) -> Generative:
        """The estimator made of densities."""
        return cast(AgainstSamples, self.discriminative).generative

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the sum of both losses, on new samples each time, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""
        cast(AgainstSamples, self.discriminative).seed += 1
        return super().loss(x, y)

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the sums of "loss" and "mi"."""
        one, other = self.generative.measure(x, y), self.discriminative.measure(x, y)
        return {key: one[key] + other[key] for key in one}

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the sum of both log ratios, :math:`(*, N)` in nats."""
        return self.generative.log_ratio(x, y) + self.discriminative.log_ratio(x, y)


class AgainstSamples(CriticEstimator):
    """A critic estimator whose negatives are samples of densities.

    Attributes:
        generative: The estimator that is made of the densities.
        seed: The seed of the samples, one a replica, `(*,)`.
    """

    generative: Generative
    seed: Tensor

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Score each pair, and `m` samples for it, :math:`(*, N)` and :math:`(*, N, M)`."""
        densities = self.generative.critic
        generators = [Generator().manual_seed(seed) for seed in self.seed.flatten().tolist()]
        neg = []
        # the same parts for one replica as for many: they decide which noise meets which row
        for rows in torch.split(x, max(1, CHUNK // (WIDTH * m)), -2):
            shape = (rows.shape[-2], m, densities.noise_dim)
            noise = torch.stack([torch.randn(shape, generator=g, dtype=x.dtype) for g in generators])
            with torch.no_grad():
                samples = densities.propose(rows, noise.view(*x.shape[:-2], *shape).to(x.device))
            neg.append(self.critic(*samples))
        pos: Tensor = self.critic(x, y)
        return pos, torch.cat(neg, -2)
