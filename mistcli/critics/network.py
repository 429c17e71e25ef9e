"""Small networks whose weights may carry a leading axis of replicas.

Ten small networks trained as one batched network cost a third of ten networks trained in turn, because networks this
small are bound by overhead and not by arithmetic. Without the axis these are ordinary layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mistcli.errors import ConfigError, did_you_mean

__all__ = ["MLP", "NONLINEARITIES", "Linear", "activation"]

NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": F.elu,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
    "relu": F.relu,
    "silu": F.silu,
    "softplus": F.softplus,
    "tanh": torch.tanh,
}


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return the nonlinearity of that name.

    Raises:
        ConfigError: If there is none.

    Example:
        >>> activation("tanh") is torch.tanh
        True
    """
    if name not in NONLINEARITIES:
        hint = did_you_mean(name, NONLINEARITIES)
        raise ConfigError(f"unknown nonlinearity {name!r}.{hint} Available: {', '.join(sorted(NONLINEARITIES))}.")
    return NONLINEARITIES[name]


class Linear(nn.Module):
    r"""The affine map :math:`x W + b`.

    Arguments:
        inputs: The number of inputs.
        outputs: The number of outputs.
        generator: Draws the initial weights, uniform in :math:`\pm 1 / \sqrt{inputs}`.
        zero: Whether all weights start at zero instead.
    """

    def __init__(self, inputs: int, outputs: int, *, generator: Generator | None = None, zero: bool = False) -> None:
        super().__init__()
        scale = 0.0 if zero else 1.0 / math.sqrt(max(inputs, 1))
        self.weight = nn.Parameter((torch.rand(inputs, outputs, generator=generator) * 2 - 1) * scale)
        self.bias = nn.Parameter((torch.rand(outputs, generator=generator) * 2 - 1) * scale)

    def forward(self, x: Tensor) -> Tensor:
        r"""Map :math:`(*, inputs)` to :math:`(*, outputs)`; a leading axis of the weights meets that of x.

        Raises:
            ConfigError: If x has other than as many columns as there are inputs.
        """
        if x.shape[-1] != self.weight.shape[-2]:
            raise ConfigError(
                f"expected {self.weight.shape[-2]} columns of a side, which the estimator was made for; got "
                f"{x.shape[-1]}: make it with the x_dim and y_dim of the data."
            )
        if self.weight.dim() == 2:
            return F.linear(x, self.weight.mT, self.bias)
        flat = x.flatten(1, -2) if x.dim() > 3 else x
        narrow = 1 in self.weight.shape[-2:]  # a batched product of matrix and vector takes several times as long
        mapped = self._narrow(flat) if narrow else torch.baddbmm(self.bias.unsqueeze(-2), flat, self.weight)
        return mapped.view(*x.shape[:-1], self.weight.shape[-1])

    def _narrow(self, x: Tensor) -> Tensor:
        """Map from or to a single column."""
        product = x * self.weight if self.weight.shape[-2] == 1 else (x * self.weight.mT).sum(-1, keepdim=True)
        return product + self.bias.unsqueeze(-2)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return " x ".join(map(str, self.weight.shape))


class MLP(nn.Module):
    """A multi-layer perceptron.

    Arguments:
        dims: The sizes of its layers, inputs first and outputs last.
        nonlinearity: The name of the nonlinearity between them.
        generator: Draws the initial weights.
        zero: Whether the last layer starts at zero, so that all outputs do.

    Example:
        >>> MLP([2, 8, 1])(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        dims: Sequence[int],
        *,
        nonlinearity: str = "silu",
        generator: Generator | None = None,
        zero: bool = False,
    ) -> None:
        super().__init__()
        self.activate = activation(nonlinearity)
        self.layers = nn.ModuleList()
        last = len(dims) - 2
        for i, (inputs, outputs) in enumerate(pairwise(dims)):
            self.layers.append(Linear(inputs, outputs, generator=generator, zero=zero and i == last))

    def forward(self, x: Tensor) -> Tensor:
        r"""Map :math:`(*, dims_0)` to :math:`(*, dims_{-1})`."""
        for layer in self.layers[:-1]:
            x = self.activate(layer(x))
        last: Tensor = self.layers[-1](x)
        return last
