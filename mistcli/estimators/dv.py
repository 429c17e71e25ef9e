"""The Donsker-Varadhan bound."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor

from mistcli.estimators.base import CriticEstimator
from mistcli.estimators.baselines import batch_log_partition, log_mean_exp
from mistcli.plugin import Bound

__all__ = ["DV"]


class DV(CriticEstimator):
    r"""Donsker-Varadhan lower bound.

    .. math:: I(X; Y) \geq \mathbb{E}_{p(x, y)}[f(x, y)] - \log \mathbb{E}_{p(x) p(y)}[e^{f(x, y)}]

    Tight at :math:`f^* = \log \frac{p(x, y)}{p(x) p(y)}` plus any constant. The logarithm of a mean over a batch is
    below that of the expectation, so that the value is biased upwards, and its gradient too, where negatives are few.

    As in `NWJ`, pairs are valued with scores of at most :math:`\log N`, here above the median log partition, since the
    critic is free up to a constant.

    References:
        | Asymptotic evaluation of certain Markov process expectations for large time, IV (Donsker and Varadhan, 1983)
        | https://doi.org/10.1002/cpa.3160360204

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> dv = DV(JointCritic(1, 1))
        >>> dv.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "lower"
    stackable: ClassVar[bool] = True

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return :math:`\log Z + Z_i / Z - 1`, :math:`(*, N)`, whose mean over pairs is :math:`\log Z`."""
        return batch_log_partition(neg)

    def value(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log ratios of pairs with scores capped at :math:`\log N` above the median, :math:`(*, N)`."""
        most = log_mean_exp(neg).median(-1, keepdim=True).values + math.log(pos.shape[-1])
        return super().value(pos.minimum(most), neg.minimum(most.unsqueeze(-1)))
