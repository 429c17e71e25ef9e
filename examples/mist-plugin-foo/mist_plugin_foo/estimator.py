"""The estimator itself, which needs torch."""

from __future__ import annotations

from math import log
from typing import ClassVar

from torch import Tensor

from mistcli.estimators import CriticEstimator
from mistcli.plugin import Bound

__all__ = ["Foo"]


class Foo(CriticEstimator):
    r"""Donsker-Varadhan bound.

    .. math:: I(X; Y) \geq \mathbb{E}_{p(x, y)}[f(x, y)] - \log \mathbb{E}_{p(x) p(y)}[e^{f(x, y)}]

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
    """

    bound: ClassVar[Bound] = "lower"
    stackable: ClassVar[bool] = True

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return :math:`\log Z + Z_i / Z - 1`, :math:`(*, N)`.

        Here :math:`Z_i` is the mean of :math:`e^f` over the negatives of pair i, and :math:`Z` that over all
        negatives. The mean over i is :math:`\log Z`, as the bound wants, and each pair has its share in it.
        """
        log_z_i = neg.logsumexp(-1) - log(neg.shape[-1])
        log_z = log_z_i.logsumexp(-1, keepdim=True) - log(neg.shape[-2])
        return log_z + (log_z_i - log_z).exp() - 1
