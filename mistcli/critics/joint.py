"""The joint critic: x and y meet in one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

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

    A network of your own, of x and y side by side, takes the place of all this as `joint_net`. It is computed for each
    combination, and fits of it are trained one after the other.

    References:
        | On variational bounds of mutual information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        hidden_dims: The sizes of the hidden layers, at least one.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.
        joint_net: A ready network, :math:`(*, D_x + D_y) \to (*, 1)`, instead of sizes.

    Raises:
        ConfigError: If there is no hidden layer, in which x and y could meet, or neither sizes nor a network, or both.

    Example:
        >>> critic = JointCritic(2, 3, hidden_dims=(8,))
        >>> critic(torch.randn(5, 1, 2), torch.randn(4, 3)).shape
        torch.Size([5, 4])
        >>> critic = JointCritic(joint_net=nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1)))
        >>> critic(torch.randn(5, 1, 2), torch.randn(4, 3)).shape
        torch.Size([5, 4])
    """

    stackable: ClassVar[bool] = True

    def __init__(
        self,
        x_dim: int | None = None,
        y_dim: int | None = None,
        *,
        hidden_dims: Sequence[int] = (32, 32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
        joint_net: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if joint_net is not None and not isinstance(joint_net, nn.Module):
            raise ConfigError(f"expected a torch.nn.Module as joint_net; got {type(joint_net).__name__}.")
        self.joint_net = joint_net
        if joint_net is not None:
            _refuse_sizes(x_dim, y_dim)
            self.stackable = False  # type: ignore[misc]  # of this one: its layers take no replicas
            return
        if x_dim is None or y_dim is None:
            raise ConfigError("expected x_dim and y_dim of a joint critic, or a network of your own as joint_net.")
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
        if self.joint_net is not None:
            return x, y
        return self.x_layer(x), self.y_layer(y)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Add the two parts and apply the rest of the network."""
        if self.joint_net is not None:
            return self._score_by_own(hx, hy)
        scores: Tensor = self.net(self.activate(hx + hy))
        return scores.squeeze(-1)

    def _score_by_own(self, x: Tensor, y: Tensor) -> Tensor:
        """Put each x beside its y and apply the network that was given."""
        shape = torch.broadcast_shapes(x.shape[:-1], y.shape[:-1])  # type: ignore[no-untyped-call]
        sides = [side.expand(*shape, side.shape[-1]) for side in (x, y)]
        scores: Tensor = self.joint_net(torch.cat(sides, -1))  # type: ignore[misc]
        if scores.shape != (*shape, 1):
            raise ConfigError(f"expected a joint_net that gives (*, 1), one number a pair; got {tuple(scores.shape)}.")
        return scores.squeeze(-1)


def _refuse_sizes(x_dim: int | None, y_dim: int | None) -> None:
    if x_dim is not None or y_dim is not None:
        raise ConfigError("expected either the sizes x_dim and y_dim or a network as joint_net; got both.")
