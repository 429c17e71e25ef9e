"""The joint critic: x and y meet in one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator, Tensor

from mistcli.critics.critic import Critic
from mistcli.critics.network import MLP, Linear, activation
from mistcli.errors import ConfigError

__all__ = ["JointCritic"]


class JointCritic(Critic):
    r"""A network of x and y together.

    .. math:: f(x, y) = g(\sigma(W_x x + W_y y + b))

    where :math:`g` is the rest of the network. The first layer is split, so that it is computed once for each x and
    each y and not once for each combination. The last layer starts at zero, so that an untrained critic says
    that x and y are independent.

    References:
        | On variational bounds of mutual information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        hidden_dims: The sizes of the hidden layers, at least one.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no hidden layer, in which x and y could meet.

    Example:
        >>> import torch
        >>> critic = JointCritic(2, 3, hidden_dims=(8,))
        >>> critic(torch.randn(5, 1, 2), torch.randn(4, 3)).shape
        torch.Size([5, 4])
    """

    stackable: ClassVar[bool] = True

    def __init__(
        self,
        x_dim: int,
        y_dim: int,
        *,
        hidden_dims: Sequence[int] = (32, 32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if not hidden_dims:
            raise ConfigError(
                "expected at least one hidden layer in a joint critic; got none: pass hidden_dims=64, say."
            )
        self.activate = activation(nonlinearity)
        self.x_layer = Linear(x_dim, hidden_dims[0], generator=generator)
        self.y_layer = Linear(y_dim, hidden_dims[0], generator=generator)
        self.net = MLP([*hidden_dims, 1], nonlinearity=nonlinearity, generator=generator, zero=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs, :math:`(*, D_x), (*, D_y) \to (*,)`."""
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Apply each side's part of the first layer."""
        return self.x_layer(x), self.y_layer(y)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Add the two parts and apply the rest of the network."""
        scores: Tensor = self.net(self.activate(hx + hy))
        return scores.squeeze(-1)
