"""The bound of Barber and Agakov."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Generator

from mistcli.distributions import ConditionalRatio, DensityMaker
from mistcli.errors import ConfigError
from mistcli.estimators.generative import GenerativeEstimator
from mistcli.plugin import Bound

__all__ = ["BA"]


class BA(GenerativeEstimator):
    r"""Barber and Agakov's lower bound, for a y whose entropy is known.

    .. math:: I(X; Y) \geq \mathbb{E}_{p(x, y)}[\log q(y \mid x)] + H(Y)

    The gap is the divergence of :math:`p(y \mid x)` from :math:`q(y \mid x)`.

    References:
        | The IM algorithm: a variational approach to information maximization (Barber and Agakov, 2003)
        | https://aivalley.com/Papers/MI_NIPS_final.pdf

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        entropy: The differential entropy :math:`H(Y)` of y, in nats: of y as it is given to this class. The command
            line and `mistcli.estimate` take that of the columns as they are in the data.
        conditional: The density :math:`q(y \mid x)`: "gaussian", "diagonal", "mixture", "maf" or "nsf".
        hidden_dims: The sizes of the hidden layers of its network.
        nonlinearity: The name of the nonlinearity between the layers.
        components: The number of components of a mixture; 8 if None.
        transforms: The number of transformations of a flow; 2 if None.
        generator: Draws the initial weights.

    Raises:
        ConfigError: If there is no entropy, no such density, or an option does not belong to it.

    Example:
        >>> import math, torch
        >>> ba = BA(2, 1, entropy=0.5 * math.log(2 * math.pi * math.e))
        >>> ba.log_ratio(torch.randn(100, 2), torch.randn(100, 1)).shape
        torch.Size([100])
    """

    bound: ClassVar[Bound] = "lower"

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        entropy: float | None = None,
        conditional: str = "mixture",
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        components: int | None = None,
        transforms: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if entropy is None or not math.isfinite(entropy):
            raise ConfigError(
                f"ba needs the entropy of y, in nats; got {entropy}: pass it (-o entropy=1.42, say), "
                "or take doe, which estimates it."
            )
        maker = DensityMaker(hidden_dims, nonlinearity, components, transforms, generator)
        maker.check(conditional)
        super().__init__(ConditionalRatio(maker.make(conditional, y_dim, x_dim), -entropy))
