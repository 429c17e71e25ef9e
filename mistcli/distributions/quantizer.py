"""The one interface of all quantizers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Quantizer"]


class Quantizer(nn.Module, ABC):
    r"""A map :math:`Q(y)` from rows to finitely many cells.

    One that learns does so while it is trained, by `loss` and by `follow`, from batches.

    Attributes:
        stackable: Whether every parameter and buffer may carry a leading axis of replicas :math:`(R, ...)`, which then
            meets the first axis of y.

    Arguments:
        dim: The number :math:`D` of columns of y.
        cells: The number :math:`K` of cells.
    """

    stackable: ClassVar[bool] = True

    def __init__(self, dim: int, cells: int) -> None:
        super().__init__()
        self.dim, self.cells = dim, cells

    @abstractmethod
    def forward(self, y: Tensor) -> Tensor:
        r"""Return the cell of each row, :math:`(*, N, D) \to (*, N)`, integers from 0 to :math:`K - 1`."""

    def loss(self, y: Tensor) -> Tensor:
        r"""Return what training descends, :math:`(*, N, D) \to (*,)`; 0 for one that has nothing to descend."""
        return y.new_zeros(y.shape[:-2])

    def follow(self, y: Tensor) -> None:
        r"""Take note of the rows of a training step, :math:`(*, N, D)`; most quantizers have no memory."""

    def heed(self, y: Tensor, predicted: Tensor) -> None:
        r"""Take note of what the other side tells of a training step; most quantizers do not ask.

        Arguments:
            y: The rows, :math:`(*, N, D)`.
            predicted: The probability of each cell by what the other side tells, :math:`(*, N, K)`.
        """
