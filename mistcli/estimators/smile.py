"""SMILE: the Donsker-Varadhan value with a clipped partition."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.errors import ConfigError
from mistcli.estimators.baselines import batch_log_partition
from mistcli.estimators.js import JS
from mistcli.plugin import Bound

__all__ = ["SMILE"]


class SMILE(JS):
    r"""Smoothed mutual information "lower bound" estimator.

    .. math:: I(X; Y) \approx \mathbb{E}_{p(x, y)}[f(x, y)]
              - \log \mathbb{E}_{p(x) p(y)}\left[e^{\mathrm{clip}(f(x, y), -\tau, \tau)}\right]

    trained as `JS`. Clipping trades the variance of the partition for a bias, so that it is no bound, unless
    :math:`\tau` is None: then it is the Donsker-Varadhan bound at the trained critic.

    References:
        | Understanding the limitations of variational mutual information estimators (Song and Ermon, 2020)
        | https://arxiv.org/abs/1910.06222

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training.
        tau: Where the scores of negatives are clipped, in nats; None does not clip.

    Raises:
        ConfigError: If `tau` is not positive.

    Example:
        >>> import torch
        >>> from mistcli.critics import JointCritic
        >>> SMILE(JointCritic(1, 1), tau=5.0).log_ratio(torch.randn(100, 1), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "none"

    def __init__(self, critic: Critic, *, neg_samples: int = 2, tau: float | None = 5.0) -> None:
        super().__init__(critic, neg_samples=neg_samples)
        if tau is not None and not tau > 0:
            raise ConfigError(f"expected tau > 0, or None; got {tau}.")
        self.tau = tau

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return :math:`\log Z + Z_i / Z - 1`, :math:`(*, N)`, whose mean over pairs is :math:`\log Z`.

        With the share :math:`Z_i` of each pair the spread of the log ratios holds the spread of the partition too.
        """
        return batch_log_partition(neg if self.tau is None else neg.clamp(-self.tau, self.tau))
