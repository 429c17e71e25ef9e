"""The built-in critics, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import CriticSpec, hookimpl, option

__all__ = ["JointOptions", "SeparableOptions", "mist_critics"]

NONLINEARITIES = ("relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus")


@dataclass(frozen=True)
class JointOptions:
    """The options of `joint`."""

    hidden_dims: tuple[int, ...] = option((32, 32, 32), help="Sizes of the hidden layers.", min=1)
    nonlinearity: Literal["relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus"] = option(
        "silu", help="The nonlinearity between the layers.", choices=NONLINEARITIES
    )


@dataclass(frozen=True)
class SeparableOptions(JointOptions):
    """The options of `separable`: those of its two networks, and the size of what they give."""

    embedding_dim: int = option(32, help="Size of the embeddings whose inner product is the score.", min=1)


@hookimpl
def mist_critics() -> Iterable[CriticSpec]:
    """Yield the built-in critics."""
    yield CriticSpec(
        "joint",
        "mistcli.critics.joint:JointCritic",
        "One network that takes x and y together.",
        options=JointOptions,
        kind="joint",
    )
    yield CriticSpec(
        "separable",
        "mistcli.critics.separable:SeparableCritic",
        "Inner product of an embedding of x and one of y; all pairs at the price of one product.",
        options=SeparableOptions,
        kind="separable",
    )
