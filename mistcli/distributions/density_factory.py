"""From the names of densities and their options to densities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Generator

from mistcli.distributions.density import Density
from mistcli.distributions.flow import Flow
from mistcli.distributions.gaussian import Gaussian
from mistcli.errors import ConfigError, did_you_mean

__all__ = ["DENSITIES", "DensityMaker"]

DENSITIES: dict[str, tuple[Callable[..., Density], dict[str, Any]]] = {
    "gaussian": (Gaussian, {"covariance": "full"}),
    "diagonal": (Gaussian, {"covariance": "diagonal"}),
    "mixture": (Gaussian, {"covariance": "full", "components": 8}),
    "maf": (Flow, {"kind": "maf"}),
    "nsf": (Flow, {"kind": "nsf"}),
}
"""The class of each density that can be chosen by name, and the arguments that make it so."""

FLOWS = {"maf", "nsf"}


@dataclass(frozen=True)
class DensityMaker:
    """Makes densities that are chosen by name, all with the same options; None is the density's own default.

    Arguments:
        hidden_dims: The sizes of the hidden layers of every network in them.
        nonlinearity: The name of the nonlinearity between the layers.
        components: The number of components of mixtures.
        transforms: The number of transformations of flows.
        generator: Draws the initial weights.

    Example:
        >>> DensityMaker(components=4).make("mixture", 2, 3).components
        4
    """

    hidden_dims: Sequence[int] | None = None
    nonlinearity: str | None = None
    components: int | None = None
    transforms: int | None = None
    generator: Generator | None = None

    def make(self, name: str, dim: int, context_dim: int = 0) -> Density:
        """Return a fresh density of `dim` columns under a context of `context_dim`.

        Raises:
            ConfigError: If there is none of that name.
        """
        if name not in DENSITIES:
            hint = did_you_mean(name, DENSITIES)
            raise ConfigError(f"unknown density {name!r}.{hint} Available: {', '.join(DENSITIES)}.")
        target, arguments = DENSITIES[name]
        given: dict[str, Any] = {"hidden_dims": self.hidden_dims, "nonlinearity": self.nonlinearity}
        if name == "mixture":
            given["components"] = self.components
        if name in FLOWS:
            given["transforms"] = self.transforms
        arguments = {**arguments, **{key: value for key, value in given.items() if value is not None}}
        return target(dim, context_dim, **arguments, generator=self.generator)

    def check(self, *names: str, networks: bool = True) -> None:
        """Refuse options that no density of these names has a use for.

        Arguments:
            names: The names of the densities that are to be made.
            networks: Whether one of them has a context, and so a network whatever its name.

        Raises:
            ConfigError: If there is one.
        """
        flows = not FLOWS.isdisjoint(names)
        for option, value, used, owner in (
            ("components", self.components, "mixture" in names, "mixture"),
            ("transforms", self.transforms, flows, "maf and nsf"),
            ("hidden_dims", self.hidden_dims, networks or flows, "maf and nsf"),
            ("nonlinearity", self.nonlinearity, networks or flows, "maf and nsf"),
        ):
            if value is not None and not used:
                told = " and ".join(dict.fromkeys(names))
                raise ConfigError(
                    f"expected no {option} with {told}, for it belongs to {owner}; got {value}: leave it out."
                )
