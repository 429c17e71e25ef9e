"""The separable critic: x and y have a network each, and meet in an inner product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator, Tensor

from mistcli.critics.critic import Critic
from mistcli.critics.network import MLP

__all__ = ["SeparableCritic"]

ALL = 16
"""How many inner products of a matrix product take the time of one of gathered rows, about."""


class SeparableCritic(Critic):
    r"""An inner product of two embeddings.

    .. math:: f(x, y) = g(x)^\top h(y) / \sqrt{E}

    All combinations of N rows cost N passes through each network and one matrix product. The last layer of
    :math:`h` starts at zero, so that an untrained critic says that x and y are independent.

    References:
        | Representation learning with contrastive predictive coding (van den Oord et al., 2018)
        | https://arxiv.org/abs/1807.03748

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        hidden_dims: The sizes of the hidden layers of both networks.
        embedding_dim: The size :math:`E` of the embeddings.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Example:
        >>> import torch
        >>> critic = SeparableCritic(2, 3, hidden_dims=(8,))
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
        embedding_dim: int = 32,
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.scale = embedding_dim**-0.5
        self.x_net = MLP([x_dim, *hidden_dims, embedding_dim], nonlinearity=nonlinearity, generator=generator)
        self.y_net = MLP(
            [y_dim, *hidden_dims, embedding_dim], nonlinearity=nonlinearity, generator=generator, zero=True
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs, :math:`(*, D_x), (*, D_y) \to (*,)`."""
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Embed each side."""
        return self.x_net(x) * self.scale, self.y_net(y)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Return the inner products of embeddings that broadcast."""
        return (hx * hy).sum(-1)

    def cross(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Return all inner products, as one matrix product."""
        return hx @ hy.mT

    def pairs(self, hx: Tensor, hy: Tensor, partners: Tensor) -> Tensor:
        """Score rows of x with some rows of y: picked from all inner products, unless these are far more."""
        if hy.shape[-2] > ALL * partners.shape[-1]:
            return super().pairs(hx, hy, partners)
        return self.cross(hx, hy).gather(-1, partners.expand(*hx.shape[:-2], -1, -1))
