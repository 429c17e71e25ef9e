"""A grid of cells that is not learnt by descent."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mistcli.distributions.quantizer import Quantizer
from mistcli.errors import ConfigError

__all__ = ["FixedQuantizer"]

REACH = 3.0
"""How far the inner edges of bins of equal width reach, for columns of unit variance, before they are fitted."""


class FixedQuantizer(Quantizer):
    r"""A grid: each column is cut into bins, and a cell is a combination of bins.

    .. math:: Q(y) = \sum_d B^{d-1} \, \#\{b : y_d > e_{d,b}\}

    The edges :math:`e` are those that suit standard normal columns until `fit` sets them to the data.

    Arguments:
        dim: The number :math:`D` of columns of y.
        bins: The number :math:`B` of bins of each column.
        spacing: "mass" for bins of equally many rows, "width" for bins of one width.

    Raises:
        ConfigError: If the number of cells is beyond all use.

    Example:
        >>> FixedQuantizer(1, 4)(torch.tensor([[-2.0], [-0.1], [0.1], [2.0]]))
        tensor([0, 1, 2, 3])
    """

    edges: Tensor

    def __init__(self, dim: int, bins: int, *, spacing: Literal["mass", "width"] = "mass") -> None:
        if bins**dim > 2**31:
            raise ConfigError(
                f"expected a grid of fewer cells; got {bins} bins of each of {dim} columns: "
                "take fewer bins, or the quantizer kmeans."
            )
        super().__init__(dim, bins**dim)
        self.bins, self.spacing = bins, spacing
        inner = torch.arange(1, bins) / bins
        edges = torch.special.ndtri(inner) if spacing == "mass" else REACH * (2 * inner - 1)
        self.register_buffer("edges", edges.repeat(dim, 1))

    def fit(self, y: Tensor) -> None:
        r"""Set the edges to the rows, :math:`(N, D)`."""
        n = len(y)
        if self.spacing == "mass":
            line = y.sort(0).values
            place = torch.arange(1, self.bins, device=y.device) * n // self.bins
            self.edges = ((line[(place - 1).clamp_min(0)] + line[place]) / 2).mT
        else:
            low, high = y.amin(0), y.amax(0)
            inner = torch.arange(1, self.bins, dtype=y.dtype, device=y.device) / self.bins
            self.edges = low[:, None] + (high - low)[:, None] * inner

    def forward(self, y: Tensor) -> Tensor:
        r"""Return the cell of each row, :math:`(*, N, D) \to (*, N)`."""
        bins = torch.searchsorted(self.edges.contiguous(), y.mT.contiguous())
        place = self.bins ** torch.arange(self.dim, device=y.device)
        return (bins * place[:, None]).sum(-2)
