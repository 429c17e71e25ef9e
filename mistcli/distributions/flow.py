"""Normalizing flows, by zuko."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn

from mistcli.critics.network import activation
from mistcli.distributions.density import Density

__all__ = ["Flow"]


class Flow(Density):
    r"""A normalizing flow: normal noise that went through an invertible map.

    .. math:: \log q(y \mid c) = \log \mathcal{N}(f_c(y); 0, I) + \log \left|\det \nabla f_c(y)\right|

    The map starts as the identity, so that an untrained flow is standard normal and does not depend on the context.
    A spline leaves what is outside of :math:`[-5, 5]` as it is: y should be standardised.

    References:
        | Masked autoregressive flow for density estimation (Papamakarios et al., 2017)
        | https://arxiv.org/abs/1705.07057
        | Neural spline flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032

    Arguments:
        dim: The number :math:`D` of columns of y.
        context_dim: The number of columns of the context; 0 for a marginal.
        kind: "maf" (autoregressive, affine) or "nsf" (autoregressive, rational-quadratic splines).
        transforms: The number of autoregressive transformations.
        hidden_dims: The sizes of the hidden layers of the network of each.
        nonlinearity: The name of the nonlinearity between them.
        generator: Draws the initial weights.

    Example:
        >>> Flow(2, 3, kind="maf").log_prob(torch.zeros(5, 2), torch.zeros(5, 3)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        dim: int,
        context_dim: int = 0,
        *,
        kind: Literal["maf", "nsf"] = "nsf",
        transforms: int = 2,
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__(dim, context_dim)
        with torch.random.fork_rng(devices=[]):  # zuko draws weights that are replaced at once
            self.flow = _flow(kind)(
                dim,
                context_dim,
                transforms=transforms,
                hidden_features=tuple(hidden_dims),
                activation=partial(_Activation, nonlinearity),
            )
        _initialise(self.flow, generator)

    def embed(self, context: Tensor) -> Tensor:
        """Return the context: a flow has nothing to prepare."""
        return context

    def score(self, y: Tensor, embedded: Tensor) -> Tensor:
        r"""Return the log density, :math:`(*, D), (*, C) \to (*,)` in nats."""
        shape = torch.broadcast_shapes(y.shape[:-1], embedded.shape[:-1])  # type: ignore[no-untyped-call]
        log_prob: Tensor = self._given(embedded, shape).log_prob(y.expand(*shape, -1))
        return log_prob

    def draw(self, noise: Tensor, embedded: Tensor) -> Tensor:
        r"""Turn standard normal noise into samples, :math:`(*, D), (*, C) \to (*, D)`."""
        shape = torch.broadcast_shapes(noise.shape[:-1], embedded.shape[:-1])  # type: ignore[no-untyped-call]
        samples: Tensor = self._given(embedded, shape).transform.inv(noise.expand(*shape, -1))
        return samples

    def _given(self, context: Tensor, shape: Sequence[int]) -> Any:
        """Return the distribution under contexts with these leading axes."""
        return self.flow(context.expand(*shape, -1) if self.context_dim else None)


class _Activation(nn.Module):
    """A nonlinearity as a layer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.activate = activation(name)

    def forward(self, x: Tensor) -> Tensor:
        return self.activate(x)

    def extra_repr(self) -> str:
        return self.name


def _flow(kind: Literal["maf", "nsf"]) -> Callable[..., nn.Module]:
    import zuko  # here, for it takes its time and most densities do without

    made: Callable[..., nn.Module] = zuko.flows.MAF if kind == "maf" else zuko.flows.NSF
    return made


def _initialise(flow: nn.Module, generator: Generator | None) -> None:
    """Draw the weights from the generator, and set those of the last layers to zero."""
    with torch.no_grad():
        for module in flow.modules():
            inputs = getattr(module, "in_features", None)
            if inputs is not None:
                bound = float(inputs) ** -0.5
                for parameter in module.parameters():
                    parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound)
        for transform in flow.get_submodule("transform.transforms").children():
            *_, last = getattr(transform, "hyper", [transform])
            for parameter in last.parameters():
                parameter.zero_()
