"""The log ratio of an elliptical copula as a critic: a closed form that training can start from."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from mistcli.critics.critic import Critic

__all__ = ["EllipticalCritic"]


class EllipticalCritic(Critic):
    r"""The log ratio of a multivariate normal or Student distribution in its own scores.

    .. math:: f(x, y) = c - \frac{\nu + D}{2} \log\left(1 + \frac{q(x, y)}{\nu}\right)
              + \frac{\nu + D_x}{2} \log\left(1 + \frac{q_x(x)}{\nu}\right)
              + \frac{\nu + D_y}{2} \log\left(1 + \frac{q_y(y)}{\nu}\right)

    with :math:`D = D_x + D_y` and :math:`q(z) = z^\top \Sigma^{-1} z`, the Mahalanobis distances of both sides together
    and of each; for :math:`\nu = \infty` it is the log ratio of normals. It has no parameters, only buffers.

    References:
        | Multivariate t-distributions and their applications (Kotz and Nadarajah, 2004)
        | https://doi.org/10.1017/CBO9780511550683

    Arguments:
        correlation: The correlation matrix :math:`\Sigma` of x and y together, :math:`(D, D)`.
        x_dim: The number of columns :math:`D_x` of x.
        nu: The degrees of freedom :math:`\nu`; infinite for the normal.

    Example:
        >>> critic = EllipticalCritic(torch.tensor([[1.0, 0.6], [0.6, 1.0]]), 1, math.inf)
        >>> round(critic(torch.zeros(1), torch.zeros(1)).item(), 4)  # -log(1 - 0.36) / 2
        0.2231
    """

    stackable: ClassVar[bool] = True

    precision: Tensor
    x_precision: Tensor
    y_precision: Tensor
    constant: Tensor

    def __init__(self, correlation: Tensor, x_dim: int, nu: float) -> None:
        super().__init__()
        self.x_dim, self.y_dim, self.nu = x_dim, len(correlation) - x_dim, nu
        s = correlation.double()
        blocks = (s, s[:x_dim, :x_dim], s[x_dim:, x_dim:])
        joint, x_part, y_part = (torch.linalg.slogdet(block)[1] for block in blocks)
        kept = (*(torch.linalg.inv(block) for block in blocks), 0.5 * (x_part + y_part - joint) + self._normaliser())
        names = ("precision", "x_precision", "y_precision", "constant")
        for name, value in zip(names, kept, strict=True):
            self.register_buffer(name, value.to(correlation.dtype))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Score pairs, :math:`(*, D_x), (*, D_y) \to (*,)`."""
        return self.score(*self.embed(x, y))

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return, of each side, what is linear in the other, and its own distances, jointly and alone."""
        d = self.x_dim
        cross = 2 * _product(x, self.precision[..., :d, d:])
        hx = [cross, _square(x, self.precision[..., :d, :d]), _square(x, self.x_precision)]
        hy = [y, _square(y, self.precision[..., d:, d:]), _square(y, self.y_precision)]
        return torch.cat(hx, -1), torch.cat(hy, -1)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        """Return the log ratio of embedded sides."""
        inner = (hx[..., :-2] * hy[..., :-2]).sum(-1)
        joint = (inner + hx[..., -2] + hy[..., -2]).clamp(min=0)
        terms = (
            self._log(joint, self.x_dim + self.y_dim),
            self._log(hx[..., -1], self.x_dim),
            self._log(hy[..., -1], self.y_dim),
        )
        constant = self.constant.reshape(self.constant.shape + (1,) * (joint.dim() - self.constant.dim()))
        return constant - terms[0] + terms[1] + terms[2]

    def _log(self, q: Tensor, dim: int) -> Tensor:
        if math.isinf(self.nu):
            return q / 2
        return (self.nu + dim) / 2 * torch.log1p(q / self.nu)

    def _normaliser(self) -> float:
        if math.isinf(self.nu):
            return 0.0
        d = self.x_dim + self.y_dim
        return _log_gamma(self.nu, d) - _log_gamma(self.nu, self.x_dim) - _log_gamma(self.nu, self.y_dim)


def _log_gamma(nu: float, d: int) -> float:
    return math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - d / 2 * math.log(nu * math.pi)


def _product(z: Tensor, matrix: Tensor) -> Tensor:
    """Return z A, where a leading axis of A meets that of z, (*, ..., D) -> (*, ..., K)."""
    if matrix.dim() == 2:
        return z @ matrix
    flat = z.flatten(1, -2) if z.dim() > 3 else z
    return (flat @ matrix).view(*z.shape[:-1], matrix.shape[-1])


def _square(z: Tensor, matrix: Tensor) -> Tensor:
    """Return z^T A z, (*, ..., D) -> (*, ..., 1)."""
    return (_product(z, matrix) * z).sum(-1, keepdim=True)
