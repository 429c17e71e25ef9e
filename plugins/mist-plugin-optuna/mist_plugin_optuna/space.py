"""What is searched: terms such as `lr=1e-3:1e-1:log`, checked against the options that they name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mistcli.config.resolve import Resolved, resolve
from mistcli.config.schema import TrainingConfig
from mistcli.config.sources import FLAGS, Layer
from mistcli.errors import ConfigError
from mistcli.plugin.options import assignment, fields

if TYPE_CHECKING:
    import optuna

__all__ = ["Dimension", "layer", "space"]

TRAINING = ("batch_size", "lr", "max_epochs", "max_steps", "optimizer", "patience", "schedule")
"""The settings of training that may be searched: not those that change which rows the loss is of."""


@dataclass(frozen=True)
class Dimension:
    """One option, and the values that it may take.

    Arguments:
        key: The option, as for `-o`, or a setting of training.
        kind: Whether it is any whole number or number of a range, or one of several choices.
        low: The least value of a range.
        high: The largest value of a range.
        log: Whether small values of a range are tried as often as large ones.
        choices: The choices, as one would write them.
    """

    key: str
    kind: Literal["int", "float", "choice"]
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: tuple[str, ...] = ()

    def suggest(self, trial: optuna.Trial) -> int | float | str:
        """Return the value that this option has in `trial`."""
        if self.kind == "choice":
            return trial.suggest_categorical(self.key, self.choices)
        if self.kind == "int":
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, log=self.log)

    @property
    def extremes(self) -> tuple[int | float | str, ...]:
        """The values that are allowed if all are."""
        if self.kind == "choice":
            return self.choices
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)


def layer(values: Mapping[str, Any]) -> Layer:
    """Return the settings that the searched options amount to.

    Example:
        >>> layer({"lr": 0.1, "neg_samples": 4}).values, layer({"lr": 0.1, "neg_samples": 4}).options
        ({'training': {'lr': 0.1}}, {'neg_samples': 4})
    """
    training = {key: value for key, value in values.items() if key in TRAINING}
    options = {key: value for key, value in values.items() if key not in TRAINING}
    return Layer("--search", {"training": training} if training else {}, options)


def space(terms: Sequence[str], layers: Sequence[Layer], resolved: Resolved) -> tuple[Dimension, ...]:
    """Return what the terms say is searched.

    Arguments:
        terms: `key=low:high`, `key=low:high:log` or `key=a|b|c`.
        layers: The settings of everything else.
        resolved: What they amount to.

    Raises:
        ConfigError: If a term is malformed, or names an option or a value that there is not.
    """
    if not terms:
        raise ConfigError("nothing to search; say --search lr=1e-3:1e-1:log, for example.")
    dimensions: dict[str, Dimension] = {}
    for term in terms:
        key, text = assignment(term)
        if key in dimensions:
            raise ConfigError(f"--search names {key!r} twice; say once what it may be.")
        _check_free(key, resolved)
        dimension = _dimension(key, text)
        for value in dimension.extremes:
            resolve([layer({key: value}), *layers], resolved.registry)
        dimensions[key] = _typed(dimension, resolved)
    return tuple(dimensions.values())


def _dimension(key: str, text: str) -> Dimension:
    if "|" in text:
        choices = tuple(choice.strip() for choice in text.split("|"))
        if len(set(choices)) < len(choices) or not all(choices):
            raise ConfigError(f"--search {key}={text}: expected different choices, a|b|c.")
        return Dimension(key, "choice", choices=choices)
    parts = text.split(":")
    numbers = [_number(part) for part in parts[:2]]
    if len(numbers) < 2 or None in numbers or parts[2:] not in ([], ["log"]):
        raise ConfigError(f"--search {key}={text}: expected {key}=low:high, {key}=low:high:log or {key}=a|b|c.")
    low, high = (number for number in numbers if number is not None)
    log = len(parts) > 2
    if not low < high or (log and low <= 0):
        wanted = "0 < low < high for a logarithmic range" if log else "low < high"
        raise ConfigError(f"--search {key}={text}: expected {wanted}.")
    return Dimension(key, "int" if low.is_integer() and high.is_integer() else "float", low, high, log)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _typed(dimension: Dimension, resolved: Resolved) -> Dimension:
    """Return the dimension with the type that its option declares."""
    if dimension.kind == "choice":
        return dimension
    kind = _declared(dimension.key, resolved).removesuffix(" | None")
    if kind not in ("int", "float"):
        raise ConfigError(f"{dimension.key!r} takes no range, for it is a {kind}; list its choices, a|b|c.")
    return Dimension(dimension.key, "int" if kind == "int" else "float", dimension.low, dimension.high, dimension.log)


def _declared(key: str, resolved: Resolved) -> str:
    """Return the type of an option, which is known to be there."""
    if key in TRAINING:
        return _type(TrainingConfig, key)
    owner, _, name = key.rpartition(".")
    owned = {"estimator": type(resolved.estimator_options), "critic": type(resolved.critic_options)}
    places: Iterable[type] = [owned[owner]] if owner else owned.values()
    declared = {item.name: item.type_name for place in places if place is not type(None) for item in fields(place)}
    return declared[name]


def _type(options: type, name: str) -> str:
    return next(item.type_name for item in fields(options) if item.name == name)


def _check_free(key: str, resolved: Resolved) -> None:
    """Refuse what no search can be over, and what a flag has settled."""
    if key not in TRAINING and key in {item.name for item in fields(TrainingConfig)}:
        raise ConfigError(f"{key!r} changes which rows the loss is of, so that it cannot be searched by it.")
    name = key.rpartition(".")[2]
    settled = [
        f"training.{key}",
        *(f"{owner}.options.{name}" for owner in ("estimator", "critic") if key in (name, f"{owner}.{name}")),
    ]
    if any(resolved.origins.get(place) in FLAGS for place in settled):
        raise ConfigError(f"{key!r} is given by a flag and searched too; leave one out.")
