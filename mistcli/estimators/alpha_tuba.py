"""Alpha-TUBA: between the bias of InfoNCE and the variance of TUBA."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.errors import ConfigError
from mistcli.estimators.baselines import Baseline, log_mean_exp
from mistcli.estimators.tuba import TUBA

__all__ = ["AlphaTUBA"]


class AlphaTUBA(TUBA):
    r"""Lower bound with an interpolated baseline.

    .. math:: I(X; Y) \geq 1
              + \mathbb{E}\left[\log \frac{e^{f(x_i, y_i)}}{a(x_i; y_i, y_2, \dots, y_M)}\right]
              - \mathbb{E}\left[\frac{1}{M} \sum_{j = 1}^{M} \frac{e^{f(x_i, y_j)}}{a(x_i; y_1, \dots, y_M)}\right],
              \qquad a(x; y_1, \dots, y_M) = \frac{\alpha}{M} \sum_{j = 1}^{M} e^{f(x, y_j)} + (1 - \alpha) \, q(x)

    where :math:`y_1, \dots, y_M` are the negatives of pair i. At :math:`\alpha = 0` it is `TUBA` with the baseline
    :math:`q`, at :math:`\alpha = 1` `InfoNCE`; between, it never exceeds :math:`1 + \log(M / \alpha)`.

    References:
        | On variational bounds of mutual information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
        alpha: The weight :math:`\alpha` of the mean over the negatives in the baseline.
        baseline: :math:`\log q`: a network of x ("learnable"), 0 ("constant"), or a `Baseline` that does not depend on
            the batch.

    Raises:
        ConfigError: If `alpha` is not in (0, 1), or there is no such baseline.

    Example:
        >>> from mistcli.critics import JointCritic
        >>> estimator = AlphaTUBA(JointCritic(1, 1), alpha=0.5)
        >>> estimator.log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    stackable: ClassVar[bool] = True

    def __init__(
        self,
        critic: Critic,
        *,
        neg_samples: int = 2,
        alpha: float = 0.01,
        baseline: Literal["learnable", "constant"] | Baseline = "learnable",
    ) -> None:
        if isinstance(baseline, str) and baseline not in ("learnable", "constant"):
            raise ConfigError(f"expected a baseline that is learnable or constant, or a Baseline; got {baseline!r}.")
        super().__init__(critic, neg_samples=neg_samples, baseline=baseline)
        if not 0 < alpha < 1:
            raise ConfigError(f"expected an alpha between 0 (which is tuba) and 1 (which is infonce); got {alpha}.")
        self.alpha = alpha

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log baseline of the pair plus what the negatives are above theirs, :math:`(*, N)`.

        The pair takes the place of one negative, so that both baselines are means of equally many.
        """
        log_z = log_mean_exp(neg)
        with_pair = log_mean_exp(torch.cat([pos.unsqueeze(-1), neg[..., 1:]], -1))
        return self._interpolate(with_pair) + (log_z - self._interpolate(log_z)).exp() - 1

    def ceiling(self, n: int) -> float:
        r"""Return :math:`1 + \log(M / \alpha)`, in nats."""
        return 1 + math.log(min(n - 1, max(self.neg_samples, self.value_negatives)) / self.alpha)

    def _interpolate(self, log_mean: Tensor) -> Tensor:
        """Return the log of the interpolated baseline; scores are above log q, so that q is 1 here."""
        return torch.logaddexp(log_mean + math.log(self.alpha), log_mean.new_tensor(math.log1p(-self.alpha)))
