"""InfoNCE-anchor: tell which of several samples is the partner, or that none is."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.errors import ConfigError
from mistcli.estimators.base import CriticEstimator
from mistcli.plugin import Bound

__all__ = ["Anchor"]


class Anchor(CriticEstimator):
    r"""InfoNCE-anchor: a density ratio learnt by a classifier, valued as it is.

    .. math:: \max_f \; \frac{M}{M + \nu} \mathbb{E}\left[
              \log \frac{e^{f(x_i, y_i)}}{\nu + e^{f(x_i, y_i)} + \sum_{j = 2}^{M} e^{f(x_i, y_j)}}\right]
              + \frac{\nu}{M + \nu} \mathbb{E}\left[\log \frac{\nu}{\nu + \sum_{j = 1}^{M} e^{f(x_i, y_j)}}\right]

    where :math:`y_1, \dots, y_M` are the negatives of pair i. The classes are the M places at which the partner of x
    may be, and the anchor: it is at none. The anchor is what sets the scale of the scores, so that the optimum is
    :math:`f^* = \log \frac{p(x, y)}{p(x) p(y)}` itself, and the value is simply its mean over pairs: no bound, no
    partition, no ceiling. With one negative and :math:`\nu = 1` it is the classifier of `JS`; as :math:`\nu` grows it
    tends to `NWJ`.

    References:
        | Contrastive predictive coding done right for mutual information estimation (Ryu et al., 2025)
        | https://arxiv.org/abs/2510.25983

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
        nu: The weight :math:`\nu` of the anchor, as if it stood for so many samples.

    Raises:
        ConfigError: If `nu` is not positive.

    Example:
        >>> from mistcli.critics import JointCritic
        >>> anchor = Anchor(JointCritic(1, 1))
        >>> anchor.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "none"
    stackable: ClassVar[bool] = True

    def __init__(self, critic: Critic, *, neg_samples: int = 16, nu: float = 1.0) -> None:
        super().__init__(critic, neg_samples=neg_samples)
        if not (math.isfinite(nu) and nu > 0):
            raise ConfigError(f"expected nu > 0; got {nu}.")
        self.nu = nu

    def objective(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return minus the cross-entropy of the classifier, :math:`(*, N), (*, N, M) \to (*,)`."""
        m, log_nu = neg.shape[-1], neg.new_full((*pos.shape, 1), math.log(self.nu))
        paired = pos - torch.cat([log_nu, pos.unsqueeze(-1), neg[..., 1:]], -1).logsumexp(-1)
        unpaired = math.log(self.nu) - torch.cat([log_nu, neg], -1).logsumexp(-1)
        return (m * paired + self.nu * unpaired).mean(-1) / (m + self.nu)

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return 0, :math:`(*, N)`: the scores are log ratios already."""
        return torch.zeros_like(pos)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the scores of the pairs, which need no negatives."""
        scores: Tensor = self.critic(x, y)
        return scores
