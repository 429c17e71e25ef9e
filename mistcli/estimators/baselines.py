r"""Baselines: where the logarithm of a partition is replaced by a tangent.

The logarithm in :math:`\log Z(x)` is what makes a bound hard to estimate from few negatives. A tangent lies above it,

.. math:: \log Z(x) \leq \log a(x) + \frac{Z(x)}{a(x)} - 1

for every baseline :math:`a(x) > 0`, with equality at :math:`a = Z`. Which baseline is taken is most of the
difference between the bounds of the literature: 1 gives NWJ, the mean over the batch Donsker-Varadhan, a moving average
the gradient of MINE, a network TUBA.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mistcli.critics.critic import Critic
from mistcli.errors import ConfigError

__all__ = [
    "Baseline",
    "BaselineName",
    "BatchBaseline",
    "ConstantBaseline",
    "LearnableBaseline",
    "MovingAverageBaseline",
    "baseline_of",
    "batch_log_partition",
    "log_mean_exp",
    "tangent",
]

BaselineName = Literal["learnable", "constant", "batch", "moving_average"]


def log_mean_exp(scores: Tensor, *, keepdim: bool = False) -> Tensor:
    r"""Return :math:`\log \frac{1}{M} \sum_j e^{s_j}` over the last axis, :math:`(*, M) \to (*,)`.

    Example:
        >>> log_mean_exp(torch.zeros(5, 3)).shape
        torch.Size([5])
    """
    return scores.logsumexp(-1, keepdim=keepdim) - math.log(scores.shape[-1])


def tangent(log_z: Tensor, log_a: Tensor) -> Tensor:
    r"""Return :math:`\log a + Z / a - 1`, which is at least :math:`\log Z`, in nats.

    Example:
        >>> tangent(torch.tensor([0.0, 1.0]), torch.tensor(0.0))
        tensor([0.0000, 1.7183])
    """
    return log_a + (log_z - log_a).exp() - 1


def batch_log_partition(neg: Tensor) -> Tensor:
    r"""Return the tangent at the mean over the batch, :math:`\log Z + Z_i / Z - 1`, whose mean is :math:`\log Z`.

    Here :math:`Z_i` is the mean of :math:`e^f` over the negatives of pair i, and :math:`Z` that over all negatives.
    With its share of the partition in each pair, the spread of the log ratios holds the spread of the partition too.

    Arguments:
        neg: The scores of the negatives of each pair, :math:`(*, N, M)`.

    Returns:
        The log partition, :math:`(*, N)` in nats.

    Example:
        >>> neg = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
        >>> torch.isclose(batch_log_partition(neg).mean(), log_mean_exp(neg.flatten()))
        tensor(True)
    """
    log_z = log_mean_exp(neg)
    return tangent(log_z, log_mean_exp(log_z, keepdim=True))


class Baseline(nn.Module, ABC):
    r"""A guess :math:`\log a(x)` of the log partition of each x."""

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor, log_z: Tensor) -> Tensor:
        r"""Return the log baseline of each pair.

        Arguments:
            x: One side, :math:`(*, N, D_x)`.
            y: The other side, :math:`(*, N, D_y)`, for its shape alone: a baseline that depended on its values would
                void the bound.
            log_z: The log-mean-exp of the scores of the negatives of each pair, :math:`(*, N)` in nats.

        Returns:
            :math:`\log a(x)`, :math:`(*, N)` or :math:`(*, 1)` in nats.
        """

    def follow(self, log_z: Tensor) -> None:
        """Take note of the log partitions of a training step, `(*, N)`; most baselines have no memory."""


class ConstantBaseline(Baseline):
    r"""The same for all.

    Arguments:
        value: :math:`\log a`, in nats.

    Example:
        >>> ConstantBaseline()(torch.zeros(5, 2), torch.zeros(5, 3), torch.zeros(5))
        tensor([0.])
    """

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor, y: Tensor, log_z: Tensor) -> Tensor:
        """Return the value, `(1,)`."""
        return log_z.new_full((1,), self.value)


class LearnableBaseline(Baseline):
    r"""A network of x, made like the critic.

    It is a copy of the critic, with parameters of its own, that scores each x beside a y that is held at 1. So it has
    the sizes of the critic, whoever wrote it, and is 0 where the critic is untrained.

    Arguments:
        critic: The critic that is copied.

    Example:
        >>> from mistcli.critics import JointCritic
        >>> LearnableBaseline(JointCritic(2, 3))(torch.randn(5, 2), torch.randn(5, 3), torch.zeros(5)).shape
        torch.Size([5])
    """

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.critic = copy.deepcopy(critic)

    def forward(self, x: Tensor, y: Tensor, log_z: Tensor) -> Tensor:
        r"""Return what the network makes of each x, :math:`(*, N)`."""
        log_a: Tensor = self.critic(x, torch.ones_like(y[..., :1, :]))
        return log_a


class BatchBaseline(Baseline):
    """The mean of the partition over the batch, through which gradients flow.

    Example:
        >>> BatchBaseline()(torch.zeros(2, 2), torch.zeros(2, 3), torch.tensor([1.0, 1.0]))
        tensor([1.])
    """

    def forward(self, x: Tensor, y: Tensor, log_z: Tensor) -> Tensor:
        r"""Return the log-mean-exp over pairs, :math:`(*, 1)`."""
        return log_mean_exp(log_z, keepdim=True)


class MovingAverageBaseline(Baseline):
    r"""The mean of the partition over the last batches of training, through which no gradients flow.

    .. math:: a \leftarrow d \, a + (1 - d) \, Z

    It begins at 1, the partition of an untrained critic.

    Arguments:
        decay: The share :math:`d` that the average keeps in a step.

    Raises:
        ConfigError: If `decay` is not in (0, 1).

    Example:
        >>> average = MovingAverageBaseline(decay=0.5)
        >>> average.follow(torch.full((5,), 3.0).log())
        >>> average(torch.zeros(5, 2), torch.zeros(5, 3), torch.zeros(5)).exp()
        tensor([2.])
    """

    log_mean: Tensor

    def __init__(self, *, decay: float = 0.9) -> None:
        super().__init__()
        if not 0 < decay < 1:
            raise ConfigError(f"expected a decay between 0 and 1; got {decay}.")
        self.decay = decay
        self.register_buffer("log_mean", torch.zeros(()))

    def forward(self, x: Tensor, y: Tensor, log_z: Tensor) -> Tensor:
        r"""Return the log of the average, :math:`(*, 1)`."""
        return self.log_mean.unsqueeze(-1)

    def follow(self, log_z: Tensor) -> None:
        """Move the average towards the partition of a batch, from its log partitions `(*, N)`."""
        kept, new = math.log(self.decay), math.log1p(-self.decay)
        with torch.no_grad():
            self.log_mean.copy_(torch.logaddexp(self.log_mean + kept, log_mean_exp(log_z) + new))


def baseline_of(name: str, critic: Critic) -> Baseline:
    """Return the baseline of that name for a critic.

    Raises:
        ConfigError: If there is none.
    """
    match name:
        case "learnable":
            return LearnableBaseline(critic)
        case "constant":
            return ConstantBaseline()
        case "batch":
            return BatchBaseline()
        case "moving_average":
            return MovingAverageBaseline()
    raise ConfigError(f"expected a baseline of {', '.join(get_args(BaselineName))}, or a Baseline; got {name!r}.")
