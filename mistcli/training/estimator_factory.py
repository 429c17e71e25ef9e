"""From names and options to estimators that are ready to be fitted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from torch import Generator

from mistcli.config.schema import Choice
from mistcli.errors import MistError, PluginError
from mistcli.estimators.base import DirectEstimator, Estimator, TrainableEstimator
from mistcli.plugin import EstimatorSpec
from mistcli.plugin.options import parse
from mistcli.plugin.registry import Entry, Registry
from mistcli.training.composite import Strategy

__all__ = ["Blueprint", "blueprint"]


@dataclass(frozen=True)
class Blueprint:
    """All that is needed to make an estimator, short of the sizes of the data.

    Arguments:
        entry: The estimator's entry in the registry.
        target: Its class.
        options: Its options, as keyword arguments.
        critic: The class of its critic; None where it takes none.
        critic_entry: The critic's entry in the registry.
        critic_options: The critic's options, as keyword arguments.
    """

    entry: Entry
    target: type[Estimator | Strategy]
    options: Mapping[str, Any]
    critic: type[Any] | None = None
    critic_entry: Entry | None = None
    critic_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> EstimatorSpec:
        """What the plugin says of the estimator."""
        return cast(EstimatorSpec, self.entry.spec)

    @property
    def trained(self) -> bool:
        """Whether it is found by training."""
        return issubclass(self.target, TrainableEstimator)

    @property
    def chooses(self) -> bool:
        """Whether it chooses and combines others."""
        return issubclass(self.target, Strategy)

    def strategy(self) -> Strategy:
        """Make the estimator, one that chooses and combines others."""
        with self.blamed():
            return cast(Strategy, self.target(**self.options))

    def rescaled(self, log_volume: Callable[[], float]) -> Blueprint:
        """Return the blueprint for features of y instead of its columns.

        It is another one where there is an option `entropy`, that of y: features have another.

        Arguments:
            log_volume: Returns how much more entropy the features have, in nats.
        """
        entropy = self.options.get("entropy")
        if entropy is None:
            return self
        return replace(self, options={**self.options, "entropy": entropy + log_volume()})

    def direct(self) -> DirectEstimator:
        """Make the estimator, one that is not trained."""
        with self.blamed():
            return cast(DirectEstimator, self.target(**self.options))

    def trainable(self, x_dim: int, y_dim: int) -> Callable[[Generator], TrainableEstimator]:
        """Return what makes a fresh estimator for x and y of so many features, its weights drawn from a generator."""
        target: Any = self.target

        def make(generator: Generator) -> TrainableEstimator:
            with self.blamed():
                if self.critic is None:
                    return cast(TrainableEstimator, target(x_dim, y_dim, generator=generator, **self.options))
                critic = self.critic(x_dim, y_dim, generator=generator, **self.critic_options)
                return cast(TrainableEstimator, target(critic, **self.options))

        return make

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Turn what a stranger's estimator raises, other than a `MistError`, into a `PluginError` that names it."""
        try:
            yield
        except MistError:
            raise
        except Exception as error:
            if self.entry.distribution == "mistcli":
                raise
            raise PluginError(
                f"estimator {self.entry.spec.name!r} of plugin {self.entry.distribution} {self.entry.version} failed: "
                f"{type(error).__name__}: {error}"
            ) from error


def blueprint(estimator: Choice, critic: Choice | None, registry: Registry) -> Blueprint:
    """Look up an estimator and its critic and check their options.

    Raises:
        ConfigError: If a name or an option is wrong.
        PluginError: If what a plugin brings cannot be imported, or is no estimator.
    """
    entry = registry.get("estimators", estimator.name)
    target = registry.load(entry)
    if not (isinstance(target, type) and issubclass(target, DirectEstimator | TrainableEstimator | Strategy)):
        raise PluginError(
            f"estimator {estimator.name!r} of plugin {entry.distribution} is neither a DirectEstimator nor a "
            "TrainableEstimator of mistcli.estimators, nor a Strategy."
        )
    options = _keywords(entry, estimator.options)
    spec = cast(EstimatorSpec, entry.spec)
    if not spec.needs_critic:
        return Blueprint(entry, target, options)
    chosen = critic or Choice(spec.critic)
    critic_entry = registry.get("critics", chosen.name)
    critic_options = _keywords(critic_entry, chosen.options)
    return Blueprint(entry, target, options, registry.load(critic_entry), critic_entry, critic_options)


def _keywords(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    parsed = parse(entry.spec.options, given, owner=f"{entry.kind.removesuffix('s')} {entry.spec.name!r}")
    return {name: getattr(parsed, name) for name in parsed.__dataclass_fields__}
