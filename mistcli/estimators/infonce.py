"""InfoNCE: tell a pair from its negatives."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.estimators.base import CriticEstimator
from mistcli.plugin import Bound

__all__ = ["InfoNCE"]


class InfoNCE(CriticEstimator):
    r"""InfoNCE lower bound.

    .. math:: I(X; Y) \geq \mathbb{E}\left[
              \log \frac{e^{f(x_i, y_i)}}{\frac{1}{M + 1} \sum_{j = 0}^{M} e^{f(x_i, y_j)}}\right]

    where :math:`y_0 = y_i` and the others are negatives. It never exceeds :math:`\log(M + 1)`.

    References:
        | Representation learning with contrastive predictive coding (van den Oord et al., 2018)
        | https://arxiv.org/abs/1807.03748

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.

    Example:
        >>> import torch
        >>> from mistcli.critics import SeparableCritic
        >>> infonce = InfoNCE(SeparableCritic(1, 1), neg_samples=0)
        >>> infonce.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "lower"
    stackable: ClassVar[bool] = True
    value_negatives: ClassVar[int] = 255

    def __init__(self, critic: Critic, *, neg_samples: int = 16) -> None:
        super().__init__(critic, neg_samples=neg_samples)

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log-mean-exp of the pair and its negatives, :math:`(*, N)`."""
        return torch.cat([pos.unsqueeze(-1), neg], -1).logsumexp(-1) - math.log(neg.shape[-1] + 1)

    def ceiling(self, n: int) -> float:
        r"""Return :math:`\log(M + 1)`, in nats."""
        return math.log(min(n, max(self.neg_samples, self.value_negatives) + 1))
