"""The Nguyen-Wainwright-Jordan bound."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor

from mistcli.estimators.base import CriticEstimator
from mistcli.plugin import Bound

__all__ = ["NWJ"]


class NWJ(CriticEstimator):
    r"""Nguyen-Wainwright-Jordan lower bound.

    .. math:: I(X; Y) \geq 1 + \mathbb{E}_{p(x, y)}[f(x, y)] - \mathbb{E}_{p(x) p(y)}[e^{f(x, y)}]

    Tight at :math:`f^* = \log \frac{p(x, y)}{p(x) p(y)}` (the paper's critic is :math:`f + 1`). Unbiased; its
    variance grows exponentially with the mutual information. Pairs are therefore valued with scores of at most
    :math:`\log N`, more than which N pairs cannot vouch for: a critic that is capped is again a critic, so the bound
    holds, and no single negative weighs more than a pair.

    References:
        | Estimating divergence functionals and the likelihood ratio by convex risk minimization (Nguyen et al., 2010)
        | https://arxiv.org/abs/0809.0853

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> nwj = NWJ(JointCritic(1, 1))
        >>> nwj.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "lower"
    stackable: ClassVar[bool] = True

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return :math:`\frac{1}{M} \sum_j e^{f(x_i, y_j)} - 1`, :math:`(*, N)`."""
        return neg.exp().mean(-1) - 1

    def value(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log ratios of pairs with scores capped at :math:`\log N`, :math:`(*, N)`."""
        most = math.log(pos.shape[-1])
        return super().value(pos.clamp(max=most), neg.clamp(max=most))
