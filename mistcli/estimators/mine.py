"""MINE: the Donsker-Varadhan bound, its gradient corrected by a moving average."""

from __future__ import annotations

from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.estimators.baselines import MovingAverageBaseline, log_mean_exp, tangent
from mistcli.estimators.dv import DV

__all__ = ["MINE"]


class MINE(DV):
    r"""Mutual information neural estimation.

    .. math:: \nabla \approx \mathbb{E}_{p(x, y)}[\nabla f(x, y)]
              - \frac{\mathbb{E}_{p(x) p(y)}[\nabla f(x, y) \, e^{f(x, y)}]}{a}

    where :math:`a` is a moving average of :math:`\mathbb{E}_{p(x) p(y)}[e^{f(x, y)}]` over the batches. The gradient of
    `DV` has the mean of one batch there, and so is biased. The value is the Donsker-Varadhan bound at the trained
    critic.

    References:
        | Mutual information neural estimation (Belghazi et al., 2018)
        | https://arxiv.org/abs/1801.04062

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
        decay: The share that the moving average keeps in a step.

    Raises:
        ConfigError: If `decay` is not in (0, 1).

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> mine = MINE(JointCritic(1, 1), decay=0.99)
        >>> mine.loss(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([])
    """

    def __init__(self, critic: Critic, *, neg_samples: int = 2, decay: float = 0.9) -> None:
        super().__init__(critic, neg_samples=neg_samples)
        self.average = MovingAverageBaseline(decay=decay)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Move the average, and return minus the bound whose gradient is the corrected one."""
        pos, neg = self.scores(x, y, self.negatives(x.shape[-2]))
        log_z = log_mean_exp(neg)
        self.average.follow(log_z)
        return -(pos - tangent(log_z, self.average(x, y, log_z))).mean(-1)
