"""The difference of entropies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator

from mistcli.distributions import ConditionalRatio, DensityMaker
from mistcli.estimators.generative import GenerativeEstimator
from mistcli.plugin import Bound

__all__ = ["DoE"]


class DoE(GenerativeEstimator):
    r"""Difference of two cross-entropies.

    .. math:: I(X; Y) \approx \mathbb{E}_{p(x, y)}[\log q(y \mid x) - \log q(y)]

    Each term is a bound of an entropy, one from above and one from below, so that their difference is no bound. It is
    exact where both densities are, and has no logarithm of a number of samples as its ceiling.

    References:
        | Formal limitations on the measurement of mutual information (McAllester and Stratos, 2020)
        | https://arxiv.org/abs/1811.04251

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        conditional: The density :math:`q(y \mid x)`: "gaussian", "diagonal", "mixture", "maf" or "nsf".
        marginal: The density :math:`q(y)`, one of the same.
        hidden_dims: The sizes of the hidden layers of their networks.
        nonlinearity: The name of the nonlinearity between the layers.
        components: The number of components of mixtures; 8 if None.
        transforms: The number of transformations of flows; 2 if None.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such density, or an option belongs to none of the two.

    Example:
        >>> import torch
        >>> doe = DoE(2, 1, conditional="mixture", components=4)
        >>> doe.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "none"

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        conditional: str = "mixture",
        marginal: str = "mixture",
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        components: int | None = None,
        transforms: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        maker = DensityMaker(hidden_dims, nonlinearity, components, transforms, generator)
        maker.check(conditional, marginal)
        super().__init__(ConditionalRatio(maker.make(conditional, y_dim, x_dim), maker.make(marginal, y_dim)))
