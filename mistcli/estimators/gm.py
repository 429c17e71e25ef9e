"""The difference of the logarithms of three densities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator

from mistcli.distributions import DensityMaker, JointRatio
from mistcli.estimators.generative import GenerativeEstimator
from mistcli.plugin import Bound

__all__ = ["GM"]


class GM(GenerativeEstimator):
    r"""Generative model of both sides together and of each alone.

    .. math:: I(X; Y) \approx \mathbb{E}_{p(x, y)}[\log q(x, y) - \log q(x) - \log q(y)]

    No bound: the three cross-entropies err in different directions. It is exact where all densities are.

    References:
        | Understanding the limitations of variational mutual information estimators (Song and Ermon, 2020)
        | https://arxiv.org/abs/1910.06222

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        joint: The density :math:`q(x, y)`: "gaussian", "diagonal", "mixture", "maf" or "nsf".
        marginal: The densities :math:`q(x)` and :math:`q(y)`, one of the same.
        hidden_dims: The sizes of the hidden layers of flows; (32, 32) if None.
        nonlinearity: The name of the nonlinearity between these layers; "silu" if None.
        components: The number of components of mixtures; 8 if None.
        transforms: The number of transformations of flows; 2 if None.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such density, or an option belongs to none of the three.

    Example:
        >>> import torch
        >>> gm = GM(2, 1, joint="gaussian", marginal="gaussian")
        >>> gm.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "none"

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        joint: str = "mixture",
        marginal: str = "mixture",
        hidden_dims: Sequence[int] | None = None,
        nonlinearity: str | None = None,
        components: int | None = None,
        transforms: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        maker = DensityMaker(hidden_dims, nonlinearity, components, transforms, generator)
        maker.check(joint, marginal, networks=False)
        marginals = [maker.make(marginal, dim) for dim in (x_dim, y_dim)]
        super().__init__(JointRatio(maker.make(joint, x_dim + y_dim), *marginals))
