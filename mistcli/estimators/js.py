"""The Jensen-Shannon estimator: a critic trained as a classifier of pairs against negatives."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from mistcli.estimators.nwj import NWJ

__all__ = ["JS"]


class JS(NWJ):
    r"""Jensen-Shannon estimator: trained by the classifier's loss, valued by the NWJ bound.

    .. math:: \max_f \; \mathbb{E}_{p(x, y)}[-\mathrm{sp}(-f(x, y))] - \mathbb{E}_{p(x) p(y)}[\mathrm{sp}(f(x, y))]

    with :math:`\mathrm{sp}(z) = \log(1 + e^z)`. Its optimum is :math:`f^* = \log \frac{p(x, y)}{p(x) p(y)}`, that of
    `NWJ`, but its gradients are bounded, so that it trains where NWJ diverges. The value is the NWJ bound at the
    trained critic.

    References:
        | Learning deep representations by mutual information estimation and maximization (Hjelm et al., 2019)
        | https://arxiv.org/abs/1808.06670

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> js = JS(JointCritic(1, 1))
        >>> js.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    stackable: ClassVar[bool] = True

    def objective(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return minus the classifier's loss, :math:`(*, N), (*, N, M) \to (*,)`."""
        return logsigmoid(pos).mean(-1) - softplus(neg).mean((-2, -1))
