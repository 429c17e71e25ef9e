"""FLO: a second critic in place of the logarithm."""

from __future__ import annotations

import copy
from typing import ClassVar

from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.estimators.nwj import NWJ

__all__ = ["FLO"]


class FLO(NWJ):
    r"""Fenchel-Legendre optimisation, a lower bound.

    .. math:: I(X; Y) \geq 1 + \mathbb{E}_{p(x, y)}\left[u(x, y)
              - e^{u(x, y)} \, \mathbb{E}_{p(y')}\left[e^{f(x, y') - f(x, y)}\right]\right]

    Tight where :math:`f` is the log ratio plus any function of x and :math:`u^* = \log \frac{p(x, y)}{p(x) p(y)}` (the
    paper's :math:`u` is minus this one). It is the contrastive bound whose logarithm is replaced by its convex dual, so
    that its gradient is unbiased with any number of negatives.

    What is learnt beside :math:`f` is :math:`d = u - f`, which tends to minus the log partition of x. Two critics that
    had to agree pair by pair would not on pairs unlike those in training, and the exponent is their difference.

    References:
        | Tight mutual information estimation with contrastive Fenchel-Legendre optimization (Guo et al., 2022)
        | https://arxiv.org/abs/2107.01131

    Arguments:
        critic: The critic :math:`f`.
        d: The second critic; one like the first, with parameters of its own, by default.
        neg_samples: The number :math:`M` of negatives a pair in training.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> flo = FLO(JointCritic(1, 1))
        >>> flo.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    stackable: ClassVar[bool] = True

    def __init__(self, critic: Critic, d: Critic | None = None, *, neg_samples: int = 2) -> None:
        super().__init__(critic, neg_samples=neg_samples)
        self.d = copy.deepcopy(critic) if d is None else d

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Return :math:`u(x, y)` and :math:`u(x, y) + f(x, y') - f(x, y)`, :math:`(*, N)` and :math:`(*, N, M)`.

        With these for its scores, the bound is that of `NWJ`.
        """
        pos, neg = super().scores(x, y, m)
        d: Tensor = self.d(x, y)
        return pos + d, neg + d.unsqueeze(-1)
