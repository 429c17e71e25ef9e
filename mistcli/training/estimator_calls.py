"""Estimators made by name in one call: `estimators.js(x_dim=1, y_dim=1, neg_samples=16, critic_type="joint")`.

The name of an estimator in `mistcli.estimators` is the module that holds it, and making that module callable is what
lets it be the factory too: `from mistcli.estimators.js import JS` and `estimators.js(...)` both mean what they say,
whatever was imported first. An estimator without a module of its name here, as that of a plugin, is found when it is
asked for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from torch import Generator

from mistcli.config.resolve import resolve
from mistcli.config.sources import Layer
from mistcli.errors import ConfigError, UnknownNameError
from mistcli.estimators.base import Estimator
from mistcli.numerics.torch_state import own_state
from mistcli.plugin.registry import Registry
from mistcli.training.estimator_factory import blueprint

__all__ = ["Factory", "factory", "make", "make_callable"]


@own_state()
def make(
    name: str,
    /,
    *,
    x_dim: int | None = None,
    y_dim: int | None = None,
    critic_type: str | None = None,
    seed: int = 0,
    registry: Registry | None = None,
    **options: Any,
) -> Estimator:
    """Return the estimator of that name, untrained.

    Arguments:
        name: Its name, as on the command line.
        x_dim: The number of columns of x; not needed for an estimator that is not trained.
        y_dim: The number of columns of y.
        critic_type: The name of the critic; the estimator's own choice by default.
        seed: The seed of the initial weights.
        registry: Where names are looked up; everything that is installed by default.
        **options: Options of the estimator and its critic, as for `mistcli.estimate`.

    Raises:
        ConfigError: If a name or an option is wrong, or a size is missing.
        PluginError: If a plugin failed.

    Example:
        >>> make("js", x_dim=1, y_dim=1, hidden_dims=[32, 32], neg_samples=16, critic_type="joint").neg_samples
        16
    """
    values: dict[str, Any] = {"estimator": name, "seed": seed}
    if critic_type is not None:
        values["critic"] = critic_type
    resolved = resolve([Layer("argument", values, options)], registry or Registry.from_environment())
    config = resolved.config
    plan = blueprint(config.estimator, config.critic, resolved.registry)
    if plan.chooses:
        raise ConfigError(f"estimator {name!r} chooses among others by the data; use it in mistcli.estimate.")
    if not plan.trained:
        return plan.direct()
    if x_dim is None or y_dim is None:
        raise ConfigError(f"expected x_dim and y_dim, the numbers of columns of x and y; {name!r} is made for them.")
    if x_dim < 1 or y_dim < 1:
        raise ConfigError(f"expected x_dim and y_dim of at least 1; got {x_dim} and {y_dim}.")
    return plan.trainable(x_dim, y_dim)(Generator().manual_seed(seed))


class Factory:
    """Makes the estimator of one name; see `make` for what it takes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, **options: Any) -> Estimator:
        """Return the estimator, untrained."""
        return make(self.name, **options)

    def __repr__(self) -> str:
        return f"<factory of the estimator {self.name!r}>"


class _CallableModule(ModuleType):
    """A module that holds an estimator, and makes it when it is called."""

    def __call__(self, **options: Any) -> Estimator:
        """Return the estimator of this module's name, untrained."""
        return make(self.__name__.rpartition(".")[2], **options)


def make_callable(package: str) -> None:
    """Make the modules of `package` that are imported so far factories of the estimators of their names."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}."):
            module.__class__ = _CallableModule


def factory(name: str) -> Factory:
    """Return the factory of an estimator that has no module of its name in the package.

    Raises:
        AttributeError: If there is no such estimator, as for any attribute that a module lacks.
    """
    try:
        Registry.from_environment().get("estimators", name)
    except UnknownNameError as error:
        raise AttributeError(f"mistcli.estimators has no attribute {name!r}, and {error}") from None
    return Factory(name)
