"""Log ratios of densities, as critics: what makes an estimator of densities and the base of a hybrid one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from mistcli.critics.critic import Critic
from mistcli.distributions.density import Density

__all__ = ["ConditionalRatio", "DensityRatio", "JointRatio"]


class DensityRatio(Critic):
    """A critic made of densities, found by descending `loss`, that can also propose pairs."""

    stackable: ClassVar[bool] = True

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the log ratios, :math:`(*, D_x), (*, D_y) \to (*,)` in nats."""
        return self.score(*self.embed(x, y))

    @abstractmethod
    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return minus the log likelihood of pairs under all densities, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""

    @property
    @abstractmethod
    def noise_dim(self) -> int:
        """The numbers of normal noise that `propose` needs for each pair."""

    @abstractmethod
    def propose(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return pairs as the densities have them.

        Arguments:
            x: One side, :math:`(*, N, D_x)`.
            noise: Standard normal noise for M pairs each, :math:`(*, N, M, E)` with :math:`E` the `noise_dim`.

        Returns:
            The two sides of the pairs, which broadcast to :math:`(*, N, M, D_x)` and :math:`(*, N, M, D_y)`.
        """


class ConditionalRatio(DensityRatio):
    r"""The log ratio of a conditional density and a marginal one.

    .. math:: f(x, y) = \log q(y \mid x) - \log q(y)

    Arguments:
        conditional: The density :math:`q(y \mid x)`.
        marginal: The density :math:`q(y)`, or a constant in place of its logarithm, in nats.

    Example:
        >>> from mistcli.distributions import Gaussian
        >>> ratio = ConditionalRatio(Gaussian(2, 3), Gaussian(2))
        >>> ratio(torch.zeros(5, 3), torch.zeros(5, 2))
        tensor([0., 0., 0., 0., 0.], grad_fn=<SubBackward0>)
    """

    def __init__(self, conditional: Density, marginal: Density | float) -> None:
        super().__init__()
        self.conditional, self.marginal = conditional, marginal

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return the embedded context, and the prepared y with :math:`\log q(y)` beside it."""
        if isinstance(self.marginal, Density):
            log_prob = self.marginal.log_prob(y).unsqueeze(-1)
        else:
            log_prob = torch.full_like(y[..., :1], self.marginal)
        return self.conditional.embed(x), torch.cat([self.conditional.prepare(y), log_prob], -1)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        r"""Return the log ratios of embedded sides that broadcast, :math:`(*, H_x), (*, H_y) \to (*,)` in nats."""
        return self.conditional.score(hy[..., :-1], hx) - hy[..., -1]

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return minus the log likelihood, :math:`(*,)`."""
        loss = -self.conditional.log_prob(y, x).mean(-1)
        return loss - self.marginal.log_prob(y).mean(-1) if isinstance(self.marginal, Density) else loss

    @property
    def noise_dim(self) -> int:
        """What the conditional needs."""
        return self.conditional.noise_dim

    def propose(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Keep each x, and draw M partners of it."""
        x = x.unsqueeze(-2)
        return x, self.conditional.draw(noise, self.conditional.embed(x))


class JointRatio(DensityRatio):
    r"""The log ratio of a joint density and two marginal ones.

    .. math:: f(x, y) = \log q(x, y) - \log q(x) - \log q(y)

    Arguments:
        joint: The density :math:`q(x, y)` of the columns of x followed by those of y.
        x_marginal: The density :math:`q(x)`.
        y_marginal: The density :math:`q(y)`.

    Example:
        >>> from mistcli.distributions import Gaussian
        >>> ratio = JointRatio(Gaussian(5), Gaussian(3), Gaussian(2))
        >>> ratio(torch.zeros(4, 3), torch.zeros(4, 2)).shape
        torch.Size([4])
    """

    def __init__(self, joint: Density, x_marginal: Density, y_marginal: Density) -> None:
        super().__init__()
        self.joint, self.x_marginal, self.y_marginal = joint, x_marginal, y_marginal

    def embed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return each side with its log density beside it."""
        log_x, log_y = self.x_marginal.log_prob(x), self.y_marginal.log_prob(y)
        return torch.cat([x, log_x.unsqueeze(-1)], -1), torch.cat([y, log_y.unsqueeze(-1)], -1)

    def score(self, hx: Tensor, hy: Tensor) -> Tensor:
        r"""Return the log ratios of embedded sides that broadcast, :math:`(*, H_x), (*, H_y) \to (*,)` in nats."""
        return self.joint.log_prob(_beside(hx[..., :-1], hy[..., :-1])) - hx[..., -1] - hy[..., -1]

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return minus the log likelihood, :math:`(*,)`."""
        log_prob = self.joint.log_prob(_beside(x, y)) + self.x_marginal.log_prob(x) + self.y_marginal.log_prob(y)
        return -log_prob.mean(-1)

    @property
    def noise_dim(self) -> int:
        """What the joint density needs."""
        return self.joint.noise_dim

    def propose(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw both sides."""
        pairs = self.joint.draw(noise, self.joint.embed(noise[..., :0]))
        return pairs[..., : x.shape[-1]], pairs[..., x.shape[-1] :]


def _beside(x: Tensor, y: Tensor) -> Tensor:
    """Return x and y, which broadcast, beside each other."""
    shape = torch.broadcast_shapes(x.shape[:-1], y.shape[:-1])  # type: ignore[no-untyped-call]
    return torch.cat([x.expand(*shape, -1), y.expand(*shape, -1)], -1)
