"""The leave-one-out upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator, Tensor

from mistcli.distributions import DensityMaker
from mistcli.estimators.baselines import log_mean_exp
from mistcli.estimators.generative import ContrastedEstimator
from mistcli.plugin import Bound

__all__ = ["L1Out"]


class L1Out(ContrastedEstimator):
    r"""Leave-one-out upper bound.

    .. math:: I(X; Y) \leq \mathbb{E}\left[\log
              \frac{q(y_i \mid x_i)}{\frac{1}{M} \sum_{j = 1}^{M} q(y_i \mid x_j)}\right]

    where :math:`x_1, \dots, x_M` belong to other pairs: their mean stands for :math:`p(y)`. It is an
    upper bound where :math:`q(y \mid x)` is the true conditional, and with many others close to the truth.
    Here that density is learnt from the data, and what it lacks is taken off: on most of the tasks of `mist bench`
    the value is *below* the truth. Take it for an estimate, not for a limit.

    References:
        | On variational bounds of mutual information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        conditional: The density :math:`q(y \mid x)`: "gaussian", "diagonal", "mixture", "maf" or "nsf".
        hidden_dims: The sizes of the hidden layers of its network.
        nonlinearity: The name of the nonlinearity between the layers.
        components: The number of components of a mixture; 8 if None.
        transforms: The number of transformations of a flow; 2 if None.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no such density, or an option does not belong to it.

    Example:
        >>> import torch
        >>> l1out = L1Out(2, 1)
        >>> l1out.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "upper"
    value_negatives: ClassVar[int] = 255

    def __init__(
        self,
        x_dim: int,
        y_dim: int,
        *,
        conditional: str = "mixture",
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        components: int | None = None,
        transforms: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        maker = DensityMaker(hidden_dims, nonlinearity, components, transforms, generator)
        maker.check(conditional)
        super().__init__(maker.make(conditional, y_dim, x_dim))

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log-mean-exp of :math:`\log q(y_i \mid x_j)` over others, :math:`(*, N)`."""
        return log_mean_exp(neg)
