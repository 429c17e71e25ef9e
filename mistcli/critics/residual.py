"""A critic that corrects another one."""

from __future__ import annotations

import itertools
from typing import ClassVar

import torch
from torch import Tensor

from mistcli.critics.critic import Critic

__all__ = ["ResidualCritic"]


class ResidualCritic(Critic):
    r"""The sum of a base, which is not trained, and a residual, which is.

    .. math:: f(x, y) = f_0(x', y') + g(x'', y'')

    Each side is its base columns :math:`x'` followed by its residual columns :math:`x''`. Where the base is near the
    truth the residual has little to learn, and the variance of what is learnt is small.

    References:
        | Hybrid mutual information estimators (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608

    Arguments:
        base: The critic :math:`f_0`.
        residual: The critic :math:`g`.
        x_base: The number of base columns of x.
        y_base: The number of base columns of y.
    """

    stackable: ClassVar[bool] = True

    def __init__(self, base: Critic, residual: Critic, x_base: int, y_base: int) -> None:
        super().__init__()
        self.base, self.residual = base, residual
        self.x_base, self.y_base = x_base, y_base
        tensor = next(itertools.chain(base.parameters(), base.buffers()), torch.zeros(()))
        embedded = base.embed(tensor.new_zeros(1, x_base), tensor.new_zeros(1, y_base))
        self.x_width, self.y_width = (side.shape[-1] for side in embedded)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs, :math:`(*, D_x), (*, D_y) \to (*,)`."""
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Embed both parts of each side."""
        bx, by = self.base.embed(x[..., : self.x_base], y[..., : self.y_base])
        rx, ry = self.residual.embed(x[..., self.x_base :], y[..., self.y_base :])
        return torch.cat([bx, rx], -1), torch.cat([by, ry], -1)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Add the scores of both parts."""
        x, y = self.x_width, self.y_width
        return self.base.score(hx[..., :x], hy[..., :y]) + self.residual.score(hx[..., x:], hy[..., y:])
