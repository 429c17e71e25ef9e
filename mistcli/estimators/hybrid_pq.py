"""Predictive quantization, and a critic for what it loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from mistcli.critics.critic import Critic
from mistcli.critics.joint import JointCritic
from mistcli.distributions.quantizer import Quantizer
from mistcli.estimators.base import CHUNK, CriticEstimator, TrainableEstimator, shifts
from mistcli.estimators.hybrid import discriminative_of
from mistcli.estimators.pq import PQ, QuantizerName
from mistcli.plugin import Bound

__all__ = ["HybridPQ", "WithinCells"]


class HybridPQ(TrainableEstimator):
    r"""Predictive quantization and a discriminative estimator within its cells.

    .. math:: I(X; Y) = I(X; Q(Y)) + I(X; Y \mid Q(Y))

    `PQ` estimates the first term. The second is left to an estimator made of a critic, whose negatives are drawn from
    the rows of the same cell: little is left to tell apart there, so that its variance is small. It is a lower bound
    where the discriminative estimator is one. A row that is alone in its cell stands for its own negative, which can
    only lower the value.

    References:
        | On the effectiveness of hybrid mutual information estimation (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        discriminative: The name of the estimator within the cells.
        neg_samples: Its number of negatives a pair in training.
        quantizer: That of `PQ`: "kmeans", "vqvae", "fixed", or a `Quantizer`.
        cells: The number :math:`K` of cells.
        hidden_dims: The sizes of the hidden layers of all networks.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such estimator or quantizer, or a grid would need more cells.

    Example:
        >>> hybrid = HybridPQ(2, 1, discriminative="nwj", cells=4)
        >>> hybrid.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "none"
    stackable: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        discriminative: str = "js",
        neg_samples: int = 4,
        quantizer: QuantizerName | Quantizer = "kmeans",
        cells: int = 16,
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        target = discriminative_of(discriminative)
        self.pq = PQ(
            x_dim,
            y_dim,
            quantizer=quantizer,
            cells=cells,
            hidden_dims=hidden_dims,
            nonlinearity=nonlinearity,
            generator=generator,
        )
        shown = y_dim + self.pq.quantizer.cells
        critic = JointCritic(x_dim, shown, hidden_dims=hidden_dims, nonlinearity=nonlinearity, generator=generator)
        # scores are asked of the next class in line, whatever else the estimator makes of them
        within: type[CriticEstimator] = type(f"{target.__name__}WithinCells", (target, WithinCells), {})
        self.discriminative = within(_CellCritic(critic, self.pq.quantizer.cells), neg_samples=neg_samples)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the sum of both losses, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""
        return self.pq.loss(x, y) + self.discriminative.loss(x, self._told(y))

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the sums of "loss" and "mi"."""
        one, other = self.pq.measure(x, y), self.discriminative.measure(x, self._told(y))
        return {key: one[key] + other[key] for key in one}

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the sum of both log ratios, :math:`(*, N)` in nats."""
        return self.pq.log_ratio(x, y) + self.discriminative.log_ratio(x, self._told(y))

    def _told(self, y: Tensor) -> Tensor:
        """Return y with its cell as one more column, (*, N, D + 1)."""
        return torch.cat([y, self.pq.quantizer(y).unsqueeze(-1).to(y.dtype)], -1)


class WithinCells(CriticEstimator):
    """A critic estimator whose negatives are rows of the same cell, which is the last column of y."""

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Score each pair and `m` negatives of it, :math:`(*, N)` and :math:`(*, N, M)`.

        Rows of a cell with fewer others than `m` meet some of them more than once.
        """
        n = x.shape[-2]
        mates = _mates(y[..., -1].long(), m)
        hx, hy = self.critic.embed(x, y)
        size = max(1, CHUNK // max(1, m * hx.shape[-1] * (hx.numel() // (n * hx.shape[-1]))))
        neg = [
            self.critic.score(part.unsqueeze(-2), _picked(hy, partners))
            for part, partners in zip(torch.split(hx, size, -2), torch.split(mates, size, -2), strict=True)
        ]
        return self.critic.score(hx, hy), torch.cat(neg, -2)


class _CellCritic(Critic):
    """A critic to which the last column of y, the cell, is shown as one indicator a cell.

    What is to be learnt within one cell is unlike that within the next, and a small network must be told which it is.
    """

    stackable: ClassVar[bool] = True

    def __init__(self, critic: Critic, cells: int) -> None:
        super().__init__()
        self.critic, self.cells = critic, cells

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        indicators = y[..., -1:] == torch.arange(self.cells, device=y.device)
        return self.critic.embed(x, torch.cat([y[..., :-1], indicators.to(y.dtype)], -1))

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        return self.critic.score(hx, hy)


def _picked(hy: Tensor, rows: Tensor) -> Tensor:
    """Return the embedded rows that each is to meet, (*, N, H), (*, n, M) -> (*, n, M, H)."""
    flat = torch.take_along_dim(hy, rows.flatten(-2).unsqueeze(-1), -2)
    return flat.view(*rows.shape, hy.shape[-1])


def _mates(cells: Tensor, m: int) -> Tensor:
    """Return `m` rows of the cell of each row, other than itself where there is another, (*, N) -> (*, N, M)."""
    n = cells.shape[-1]
    order = torch.argsort(cells, dim=-1, stable=True)
    rank = torch.empty_like(order).scatter_(-1, order, torch.arange(n, device=cells.device).expand_as(order))
    sizes = torch.zeros_like(cells[..., :1]).expand(*cells.shape[:-1], int(cells.max()) + 1).clone()
    sizes.scatter_add_(-1, cells, torch.ones_like(cells))
    start = (sizes.cumsum(-1) - sizes).gather(-1, cells).unsqueeze(-1)
    size = sizes.gather(-1, cells).unsqueeze(-1)
    shift = 1 + shifts(n, m).to(cells.device) % (size - 1).clamp_min(1)
    place = start + (rank.unsqueeze(-1) - start + shift) % size
    return order.gather(-1, place.flatten(-2)).view(place.shape)
