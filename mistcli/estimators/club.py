"""The contrastive log-ratio upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from mistcli.distributions import DensityMaker
from mistcli.errors import ConfigError
from mistcli.estimators.baselines import log_mean_exp
from mistcli.estimators.generative import ContrastedEstimator
from mistcli.plugin import Bound

__all__ = ["CLUB"]


class CLUB(ContrastedEstimator):
    r"""Contrastive log-ratio upper bound.

    .. math:: I(X; Y) \leq \mathbb{E}_{p(x, y)}[\log q(y \mid x)]
              - \mathbb{E}_{p(x) p(y)}\left[\max\{\log q(y \mid x), \, \log \bar q(y) - \tau\}\right]
              + \log(1 + e^{-\tau})

    with :math:`\bar q(y)` the mean of :math:`q(y \mid x)` over x. A bound where :math:`q(y \mid x)` is the true
    conditional, or nearly so; a learnt one that lacks much can bring the value below the truth. That of the paper has
    no :math:`\tau`. It is a loose one, meant to be minimised: for a normal pair of correlation :math:`\rho` it is
    :math:`\rho^2 / (1 - \rho^2)`, and where x rules some values of y out it is infinite. The floor keeps it within
    :math:`\tau` of `L1Out`, and costs the last term at most, which is small and left out of the value.

    References:
        | CLUB: a contrastive log-ratio upper bound of mutual information (Cheng et al., 2020)
        | https://arxiv.org/abs/2006.12013

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        conditional: The density :math:`q(y \mid x)`: "gaussian", "diagonal", "mixture", "maf" or "nsf".
        hidden_dims: The sizes of the hidden layers of its network.
        nonlinearity: The name of the nonlinearity between the layers.
        components: The number of components of a mixture; 8 if None.
        transforms: The number of transformations of a flow; 2 if None.
        tau: The most that a negative may count for, in nats; None for no limit, as in the paper.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such density, an option does not belong to it, or `tau` is not positive.

    Example:
        >>> club = CLUB(2, 1)
        >>> club.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "upper"
    value_negatives: ClassVar[int] = 255

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        conditional: str = "mixture",
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        components: int | None = None,
        transforms: int | None = None,
        tau: float | None = 3.0,
        generator: Generator | None = None,
    ) -> None:
        if tau is not None and not tau > 0:
            raise ConfigError(f"expected tau > 0, or None; got {tau}.")
        maker = DensityMaker(hidden_dims, nonlinearity, components, transforms, generator)
        maker.check(conditional)
        super().__init__(maker.make(conditional, y_dim, x_dim))
        self.tau = tau

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the mean of :math:`\log q(y_i \mid x_j)` over negatives, none below the floor, :math:`(*, N)`."""
        if self.tau is not None:
            neg = torch.maximum(neg, log_mean_exp(neg, keepdim=True) - self.tau)
        return neg.mean(-1)
