"""TUBA: the tractable unnormalised bound of Barber and Agakov's kind, with a baseline."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.estimators.baselines import Baseline, BaselineName, baseline_of, log_mean_exp
from mistcli.estimators.nwj import NWJ

__all__ = ["TUBA"]


class TUBA(NWJ):
    r"""Tractable unnormalised Barber-Agakov lower bound.

    .. math:: I(X; Y) \geq 1 + \mathbb{E}_{p(x, y)}\left[\log \frac{e^{f(x, y)}}{a(x)}\right]
              - \mathbb{E}_{p(x) p(y)}\left[\frac{e^{f(x, y)}}{a(x)}\right]

    It is `NWJ` with scores that are measured from a baseline, and tight where
    :math:`f^*(x, y) - \log a(x) = \log \frac{p(x, y)}{p(x) p(y)}`: the critic need not be normalised.

    References:
        | On variational bounds of mutual information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
        baseline: :math:`\log a`: a network of x ("learnable"), 0 ("constant", which is `NWJ`), the mean over the batch
            ("batch", which is `DV`), the mean over the last batches of training ("moving_average"), or a `Baseline`.

    Raises:
        ConfigError: If there is no such baseline.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> tuba = TUBA(JointCritic(1, 1), baseline="moving_average")
        >>> tuba.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    stackable: ClassVar[bool] = True

    def __init__(
        self, critic: Critic, *, neg_samples: int = 2, baseline: BaselineName | Baseline = "learnable"
    ) -> None:
        super().__init__(critic, neg_samples=neg_samples)
        self.baseline = baseline if isinstance(baseline, Baseline) else baseline_of(baseline, critic)

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Return the scores above the baseline, of pairs :math:`(*, N)` and of negatives :math:`(*, N, M)`."""
        return self._above(x, y, *super().scores(x, y, m))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Let the baseline follow the critic, and return minus the objective on a batch."""
        pos, neg = super().scores(x, y, self.negatives(x.shape[-2]))
        self.baseline.follow(log_mean_exp(neg))
        return -self.objective(*self._above(x, y, pos, neg))

    def _above(self, x: Tensor, y: Tensor, pos: Tensor, neg: Tensor) -> tuple[Tensor, Tensor]:
        log_a = self.baseline(x, y, log_mean_exp(neg))
        return pos - log_a, neg - log_a.unsqueeze(-1)
