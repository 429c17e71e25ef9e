"""What hybrid estimators are put together from: a part made of a critic and a part made of densities, each by name."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from torch import Generator, Tensor

from mistcli.critics.joint import JointCritic
from mistcli.distributions.density_factory import FLOWS
from mistcli.errors import ConfigError, did_you_mean
from mistcli.estimators.alpha_tuba import AlphaTUBA
from mistcli.estimators.anchor import Anchor
from mistcli.estimators.ba import BA
from mistcli.estimators.base import CriticEstimator, TrainableEstimator
from mistcli.estimators.club import CLUB
from mistcli.estimators.doe import DoE
from mistcli.estimators.dv import DV
from mistcli.estimators.flo import FLO
from mistcli.estimators.generative import ContrastedEstimator, GenerativeEstimator
from mistcli.estimators.gm import GM
from mistcli.estimators.infonce import InfoNCE
from mistcli.estimators.js import JS
from mistcli.estimators.l1out import L1Out
from mistcli.estimators.mine import MINE
from mistcli.estimators.nwj import NWJ
from mistcli.estimators.smile import SMILE
from mistcli.estimators.tuba import TUBA
from mistcli.plugin import Bound

__all__ = ["DISCRIMINATIVE", "GENERATIVE", "Generative", "HybridEstimator", "discriminative_of", "generative_of"]

Generative: TypeAlias = GenerativeEstimator | ContrastedEstimator

DISCRIMINATIVE: dict[str, type[CriticEstimator]] = {
    "alpha_tuba": AlphaTUBA,
    "anchor": Anchor,
    "dv": DV,
    "flo": FLO,
    "infonce": InfoNCE,
    "js": JS,
    "mine": MINE,
    "nwj": NWJ,
    "smile": SMILE,
    "tuba": TUBA,
}
"""The estimators that can take the part of the critic."""

GENERATIVE: dict[str, Callable[..., Generative]] = {"ba": BA, "club": CLUB, "doe": DoE, "gm": GM, "l1out": L1Out}
"""The estimators that can take the part of the densities."""

WIDE = 10
"""The columns of y beyond which some thousand rows do not teach a mixture of normals."""


def discriminative_of(name: str) -> type[CriticEstimator]:
    """Return the class of the part that is made of a critic.

    Raises:
        ConfigError: If there is none of that name.

    Example:
        >>> discriminative_of("nwj").__name__
        'NWJ'
    """
    if name not in DISCRIMINATIVE:
        raise _unknown("discriminative", name, DISCRIMINATIVE)
    return DISCRIMINATIVE[name]


def generative_of(
    name: str,
    x_dim: int,
    y_dim: int,
    *,
    hidden_dims: Sequence[int],
    nonlinearity: str,
    generator: Generator | None,
    **options: Any,
) -> Generative:
    """Return a fresh estimator for the part that is made of densities.

    Arguments:
        name: Its name.
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        hidden_dims: The sizes of the hidden layers of networks in it.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.
        **options: Other options of it; None leaves one out.

    Raises:
        ConfigError: If there is no such estimator, or an option is not one of its own.

    Example:
        >>> made = generative_of("doe", 2, 1, hidden_dims=(8,), nonlinearity="silu", generator=None, marginal="nsf")
        >>> type(made).__name__
        'DoE'
    """
    if name not in GENERATIVE:
        raise _unknown("generative", name, GENERATIVE)
    target = GENERATIVE[name]
    given = {key: value for key, value in options.items() if value is not None}
    for key, value in given.items():
        if key not in inspect.signature(target).parameters:
            owners = " and ".join(n for n, t in GENERATIVE.items() if key in inspect.signature(t).parameters)
            raise ConfigError(f"expected no {key} with {name}, for it belongs to {owners}; got {value}: leave it out.")
    if target is not GM or not FLOWS.isdisjoint((given.get("joint"), given.get("marginal"))):
        given |= {"hidden_dims": hidden_dims, "nonlinearity": nonlinearity}
    return target(x_dim, y_dim, generator=generator, **given)


class HybridEstimator(TrainableEstimator):
    r"""An estimator of densities, trained by their likelihood, and one made of a critic that mends what they miss.

    Arguments:
        x_dim: The number of columns of x.
        y_dim: The number of columns of y.
        discriminative: The name of the estimator made of a critic.
        neg_samples: Its number of negatives a pair in training.
        generative: The name of the estimator made of densities: "doe", "gm", "ba", "l1out" or "club".
        entropy: The entropy of y in nats, for "ba".
        conditional: The density :math:`q(y \mid x)` of all but "gm"; that estimator's own default if None.
        marginal: The densities of x and y alone, for "doe" and "gm"; the same.
        joint: The density :math:`q(x, y)`, for "gm"; the same.
        components: The number of components of mixtures; 8 if None.
        transforms: The number of transformations of flows; 2 if None.
        hidden_dims: The sizes of the hidden layers of all networks.
        nonlinearity: The name of the nonlinearity between the layers.
        generator: Draws the initial weights.

    Attributes:
        wide: The density that all default to where y has more than `WIDE` columns; None for no difference.

    Raises:
        ConfigError: If there is no such estimator or density, or an option does not belong to it.
    """

    bound: ClassVar[Bound] = "none"
    stackable: ClassVar[bool] = True
    wide: ClassVar[str | None] = None

    def __init__(  # noqa: PLR0913 - an argument an option
        self,
        x_dim: int,
        y_dim: int,
        *,
        discriminative: str = "smile",
        neg_samples: int = 2,
        generative: str = "doe",
        entropy: float | None = None,
        conditional: str | None = None,
        marginal: str | None = None,
        joint: str | None = None,
        components: int | None = None,
        transforms: int | None = None,
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        target = discriminative_of(discriminative)
        densities = {"conditional": conditional, "marginal": marginal, "joint": joint}
        if self.wide and y_dim > WIDE and components is None and transforms is None:
            densities |= {key: self.wide for key in _densities_of(generative) if densities[key] is None}
        part = generative_of(
            generative,
            x_dim,
            y_dim,
            hidden_dims=hidden_dims,
            nonlinearity=nonlinearity,
            generator=generator,
            entropy=entropy,
            components=components,
            transforms=transforms,
            **densities,
        )
        critic = JointCritic(x_dim, y_dim, hidden_dims=hidden_dims, nonlinearity=nonlinearity, generator=generator)
        self.discriminative = self.joined(target, critic, part, neg_samples, generator)

    @abstractmethod
    def joined(
        self,
        target: type[CriticEstimator],
        critic: JointCritic,
        generative: Generative,
        neg_samples: int,
        generator: Generator | None,
    ) -> CriticEstimator:
        """Return the estimator of class `target` that mends the generative one, which becomes a part of it."""

    @property
    @abstractmethod
    def generative(self) -> Generative:
        """The estimator made of densities."""

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the sum of both losses, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""
        return self.generative.loss(x, y) + self.discriminative.loss(x, y)


def _densities_of(generative: str) -> list[str]:
    known = inspect.signature(GENERATIVE[generative]).parameters if generative in GENERATIVE else {}
    return [key for key in ("conditional", "marginal", "joint") if key in known]


def _unknown(part: str, name: str, known: Mapping[str, object]) -> ConfigError:
    hint = did_you_mean(name, known)
    return ConfigError(f"unknown {part} estimator {name!r}.{hint} Available: {', '.join(known)}.")
