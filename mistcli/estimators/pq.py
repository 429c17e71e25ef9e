"""Predictive quantization: predict the cell of y from x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mistcli.critics.network import MLP
from mistcli.distributions.fixed import FixedQuantizer
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.quantizer import Quantizer
from mistcli.distributions.vqvae import VQVAEQuantizer
from mistcli.errors import ConfigError
from mistcli.estimators.base import TrainableEstimator
from mistcli.plugin import Bound

__all__ = ["PQ", "QuantizerName"]

QuantizerName: TypeAlias = Literal["fixed", "kmeans", "vqvae"]


class PQ(TrainableEstimator):
    r"""Predictive quantization, a lower bound.

    .. math:: I(X; Y) \geq I(X; Q(Y)) \geq H(Q(Y)) + \mathbb{E}_{p(x, y)}[\log q(Q(y) \mid x)]

    The quantizer :math:`Q` maps y to one of :math:`K` cells, and a network of x predicts which. What is lost is what y
    tells of x within a cell, so that "kmeans" cuts finest along the columns of y of which x tells most. It never
    exceeds :math:`\log K`. The entropy is that of the cells of the pairs that are valued, with the correction of Miller
    and Madow.

    References:
        | On the effectiveness of hybrid mutual information estimation (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        quantizer: "kmeans" (centres that follow the rows), "vqvae" (an autoencoder), "fixed" (a grid with edges at the
            quantiles of the standard normal), or a `Quantizer`.
        cells: The number :math:`K` of cells; a grid has the most it can that are not more.
        hidden_dims: The sizes of the hidden layers of all networks.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such quantizer, or a grid would need more cells.

    Example:
        >>> pq = PQ(2, 1, quantizer="fixed", cells=8)
        >>> pq.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "lower"
    stackable: ClassVar[bool] = True

    def __init__(
        self,
        x_dim: int,
        y_dim: int,
        *,
        quantizer: QuantizerName | Quantizer = "kmeans",
        cells: int = 16,
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(quantizer, Quantizer):
            quantizer = _quantizer(quantizer, y_dim, cells, hidden_dims, nonlinearity, generator)
        self.quantizer = quantizer
        dims = [x_dim, *hidden_dims, quantizer.cells]
        self.net = MLP(dims, nonlinearity=nonlinearity, generator=generator, zero=True)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Let the quantizer follow the rows and heed x, and return the cross-entropy plus the loss of the quantizer."""
        self.quantizer.follow(y)
        predicted = self._predicted(x)
        self.quantizer.heed(y, predicted.detach().exp())
        return -_at(predicted, self.quantizer(y)).mean(-1) + self.quantizer.loss(y)

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return "mi", and minus it as "loss": a cross-entropy alone would be least where all rows are in one cell."""
        mi = self.mutual_information(x, y)
        return {"loss": -mi, "mi": mi}

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return :math:`\log q(Q(y) \mid x) - \log p(Q(y))`, :math:`(*, N)` in nats."""
        cells = self.quantizer(y)
        predicted = self._predicted(x)
        return _at(predicted, cells) - _log_share(cells, self.quantizer.cells, y.dtype)

    def ceiling(self, n: int) -> float:
        r"""Return :math:`\log K`, in nats."""
        return math.log(self.quantizer.cells)

    def _predicted(self, x: Tensor) -> Tensor:
        """Return the log probability of each cell, (*, N, Dx) -> (*, N, K)."""
        return F.log_softmax(self.net(x), -1)


def _at(predicted: Tensor, cells: Tensor) -> Tensor:
    """Return the log probability of the cell of each row, (*, N, K), (*, N) -> (*, N)."""
    return predicted.gather(-1, cells.unsqueeze(-1)).squeeze(-1)


def _log_share(cells: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Return the log share of each row's cell, (*, N), with the correction of Miller and Madow for its mean."""
    n = cells.shape[-1]
    sizes = torch.zeros(*cells.shape[:-1], count, dtype=dtype, device=cells.device)
    sizes.scatter_add_(-1, cells, torch.ones_like(cells, dtype=dtype))
    used = (sizes > 0).sum(-1, keepdim=True)
    return (sizes.gather(-1, cells) / n).log() - (used - 1) / (2 * n)


def _quantizer(
    name: str, dim: int, cells: int, hidden_dims: Sequence[int], nonlinearity: str, generator: Generator | None
) -> Quantizer:
    """Return a fresh quantizer of that name."""
    match name:
        case "fixed":
            bins = int(cells ** (1 / dim) + 1e-9)
            if bins < 2:
                raise ConfigError(
                    f"expected at least two cells a column of y for a grid; got cells={cells} and {dim} columns: "
                    "take more cells, or quantizer=kmeans."
                )
            return FixedQuantizer(dim, bins)
        case "kmeans":
            return KMeansQuantizer(dim, cells)
        case "vqvae":
            return VQVAEQuantizer(dim, cells, hidden_dims=hidden_dims, nonlinearity=nonlinearity, generator=generator)
    raise ConfigError(f"unknown quantizer {name!r}; expected fixed, kmeans or vqvae.")
