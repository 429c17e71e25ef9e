"""Cells that are learnt by a network, so that a row can be told from its cell."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Generator, Tensor

from mistcli.critics.network import MLP
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.quantizer import Quantizer

__all__ = ["VQVAEQuantizer"]

COMMITMENT = 0.25
"""The weight of what draws the encoder to its code, as in the paper."""


class VQVAEQuantizer(Quantizer):
    r"""The cells of a vector-quantised autoencoder.

    .. math:: Q(y) = \arg\min_k \lVert e(y) - c_k \rVert, \qquad
              \min_{e, d} \; \lVert y - d(c_{Q(y)}) \rVert^2 + \beta \, \lVert e(y) - c_{Q(y)} \rVert^2

    The codes :math:`c` are the moving averages of the encoded rows of their cells. The gradient passes by the choice of
    the code as if it were not there.

    References:
        | Neural discrete representation learning (van den Oord et al., 2017)
        | https://arxiv.org/abs/1711.00937

    Arguments:
        dim: The number :math:`D` of columns of y.
        cells: The number :math:`K` of cells.
        hidden_dims: The sizes of the hidden layers of encoder and decoder.
        embedding_dim: The size of a code.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Example:
        >>> import torch
        >>> VQVAEQuantizer(3, 8)(torch.randn(5, 3)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        dim: int,
        cells: int,
        *,
        hidden_dims: Sequence[int] = (32, 32),
        embedding_dim: int = 4,
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__(dim, cells)
        self.encoder = MLP([dim, *hidden_dims, embedding_dim], nonlinearity=nonlinearity, generator=generator)
        self.codes = KMeansQuantizer(embedding_dim, cells)
        self.decoder = MLP([embedding_dim, *hidden_dims, dim], nonlinearity=nonlinearity, generator=generator)

    def forward(self, y: Tensor) -> Tensor:
        r"""Return the cell of each row, :math:`(*, N, D) \to (*, N)`."""
        cells: Tensor = self.codes(self.encoder(y))
        return cells

    def loss(self, y: Tensor) -> Tensor:
        r"""Return the squared error of what is decoded, and how far rows are from their codes, :math:`(*,)`."""
        encoded = self.encoder(y)
        code = self.codes.lookup(self.codes(encoded)).detach()
        decoded = self.decoder(encoded + (code - encoded).detach())
        distance = (y - decoded).square().sum(-1) + COMMITMENT * (encoded - code).square().sum(-1)
        error: Tensor = distance.mean(-1)
        return error

    def follow(self, y: Tensor) -> None:
        r"""Move the codes towards the encoded rows of a training step, :math:`(*, N, D)`."""
        self.codes.follow(self.encoder(y).detach())
