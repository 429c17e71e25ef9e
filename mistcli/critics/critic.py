"""The one interface of all critics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Critic"]


class Critic(nn.Module, ABC):
    r"""A function :math:`f(x, y)` that scores pairs; trained, it tends to a log ratio.

    A critic that is applied to many combinations of the same rows may split its work: `embed` is what x and y
    need once each, `score` is what each combination needs, and `forward` is both in a row. A critic that does not
    split implements `forward` alone.

    Attributes:
        stackable: Whether every parameter may carry a leading axis of replicas :math:`(R, ...)`, which then meets
            the first axis of x and y. One that says nothing is trained one replica after the other.
    """

    stackable: ClassVar[bool] = False

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs.

        Arguments:
            x: One side, :math:`(*, D_x)`.
            y: The other side, :math:`(*, D_y)`, whose leading axes broadcast with those of x.

        Returns:
            The scores, :math:`(*,)`.
        """

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return what `score` needs of each side, :math:`(*, D_x), (*, D_y) \to (*, H_x), (*, H_y)`."""
        return x, y

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        r"""Score embedded sides that broadcast, :math:`(*, H_x), (*, H_y) \to (*,)`."""
        scores: Tensor = self(hx, hy)
        return scores

    def cross(self, hx: Tensor, hy: Tensor) -> Tensor:
        r"""Score all combinations of embedded rows, :math:`(*, N, H_x), (*, K, H_y) \to (*, N, K)`."""
        return self.score(hx.unsqueeze(-2), hy.unsqueeze(-3))

    def pairs(self, hx: Tensor, hy: Tensor, partners: Tensor) -> Tensor:
        r"""Score each embedded row of x with some embedded rows of y.

        Arguments:
            hx: The rows of x, :math:`(*, N, H_x)`.
            hy: The rows of y, :math:`(*, K, H_y)`.
            partners: The rows of y for each row of x, :math:`(N, M)`.

        Returns:
            The scores, :math:`(*, N, M)`.
        """
        if partners.shape[-1] == hy.shape[-2]:
            return self.cross(hx, hy).gather(-1, partners.expand(*hx.shape[:-2], -1, -1))
        rows = hy.index_select(-2, partners.flatten()).view(*hy.shape[:-2], *partners.shape, hy.shape[-1])
        return self.score(hx.unsqueeze(-2), rows)
