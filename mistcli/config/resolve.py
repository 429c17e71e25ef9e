"""From layers of settings to one resolved configuration, in which every value has a known origin.

A setting is taken from the first layer that has it: flags, then `--config FILE`, then `./mist.yaml`, then the
default. Options of an estimator or critic count only where the layer names the one that was chosen; those of
`-o` go to the estimator and its critic, whichever has an option of that name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mistcli.config.schema import Choice, GeneralConfig, RunConfig
from mistcli.config.sources import FLAGS, SECTIONS, Layer, Settings, settings
from mistcli.config.unknown_option import unknown_option
from mistcli.errors import ConfigError
from mistcli.plugin import EstimatorSpec, Spec
from mistcli.plugin.options import fields, parse, plain, reference

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry
    from mistcli.result import Units

__all__ = ["DEFAULT", "Resolved", "resolve"]

DEFAULT = "default"
"""The origin of a value that nobody gave."""


@dataclass(frozen=True)
class Resolved:
    """A configuration, and how it came about.

    Arguments:
        config: The configuration of the run.
        units: The units in which the result is to be shown.
        estimator_options: All options of the estimator, an instance of its spec's `options`.
        critic_options: The same for the critic; None where the estimator takes none.
        origins: Where each value that was given comes from, by dotted key.
        registry: The registry, with the preferences that the configuration names.
        prefer: Those preferences.
        warnings: What was asked for without effect, in words.
    """

    config: RunConfig
    units: Units
    estimator_options: Any
    critic_options: Any | None
    origins: Mapping[str, str]
    registry: Registry
    prefer: Mapping[str, str]
    warnings: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """Return all values, defaults too, as plain values nested as in a configuration file."""
        config = self.config
        values: dict[str, Any] = {
            "data": plain(config.data),
            "estimator": {"name": config.estimator.name, "options": plain(self.estimator_options)},
        }
        if config.critic is not None:
            values["critic"] = {"name": config.critic.name, "options": plain(self.critic_options)}
        if self.prefer:
            values["plugins"] = {"prefer": dict(self.prefer)}
        return {
            **values,
            **{name: plain(getattr(config, name)) for name in SECTIONS if name != "data"},
            "loggers": [{"name": item.name, "options": dict(item.options)} for item in config.loggers],
            "seed": config.seed,
            "units": self.units,
        }

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Yield the dotted key, the value and the origin of every value."""
        for key, value in _flat(self.values(), ""):
            yield key, value, self.origins.get(key) or self._default(key)

    def _default(self, key: str) -> str:
        """Return the origin of a value that nobody gave: core, or the plugin object whose default it is."""
        if key.startswith("critic.options.") and self.config.critic is not None:
            return f"{DEFAULT} of {self.config.critic.name}"
        if key == "critic.name" or key.startswith("estimator.options."):
            return f"{DEFAULT} of {self.config.estimator.name}"
        return DEFAULT


@dataclass(frozen=True)
class _Chosen:
    """An estimator or critic: by which layer it was chosen (0 is the strongest), and with which options."""

    kind: str
    name: str
    spec: Spec
    rank: int
    options: dict[str, Any]

    @property
    def owner(self) -> str:
        return f"{self.kind} {self.name!r}"

    def has(self, key: str) -> bool:
        return any(item.name == key for item in fields(self.spec.options))

    def parsed(self) -> Any:
        return parse(self.spec.options, self.options, owner=self.owner)

    def choice(self) -> Choice:
        return Choice(self.name, {key: getattr(self.parsed(), key) for key in self.options})


def resolve(layers: Sequence[Layer], registry: Registry) -> Resolved:
    """Return the configuration that `layers`, the strongest first, amount to.

    Raises:
        ConfigError: If a key, name or value is wrong, or two of them do not go together.
        PluginError: If a plugin that is named does not work.
    """
    given = [settings(layer) for layer in layers]
    origins: dict[str, str] = {}
    prefer = _prefer(given, origins)
    registry = registry.preferring(prefer)
    sections = {
        name: _merged(cls, name, [(item.layer, item.sections[name]) for item in given], origins)
        for name, cls in SECTIONS.items()
    }
    general = _merged(GeneralConfig, "", [(item.layer, item.general) for item in given], origins)
    _check_reader(sections["data"].reader, registry)
    estimator = _chosen("estimator", RunConfig().estimator.name, given, registry, origins)
    critic, warnings = _critic(estimator, given, registry, origins)
    _assign(estimator, critic, given, registry, origins)
    config = RunConfig(
        **sections,
        estimator=estimator.choice(),
        critic=critic.choice() if critic else None,
        loggers=_loggers(given, registry, origins),
        seed=general.seed,
    )
    return Resolved(
        config,
        general.units,
        estimator.parsed(),
        critic.parsed() if critic else None,
        origins,
        registry,
        prefer,
        (*warnings, *_untrained(estimator, given)),
    )


def _merged(cls: type, name: str, layers: Sequence[tuple[Layer, Mapping[str, Any]]], origins: dict[str, str]) -> Any:
    """Return the section `cls`, each value from the strongest layer that has it; check all layers."""
    prefix = f"{name}." if name else ""
    merged: dict[str, Any] = {}
    for layer, values in reversed(layers):
        with layer.blamed():
            parse(cls, values, owner=name or "the configuration")
        merged.update(values)
        origins.update({prefix + key: layer.origin for key in values})
    return parse(cls, merged, owner=name or "the configuration")


def _chosen(kind: str, default: str, given: Sequence[Settings], registry: Registry, origins: dict[str, str]) -> _Chosen:
    named = [(rank, choice) for rank, item in enumerate(given) if (choice := getattr(item, kind))]
    rank, name = (named[0][0], named[0][1].name) if named else (len(given), default)
    with given[rank].layer.blamed() if named else contextlib.nullcontext():
        chosen = _Chosen(kind, name, registry.get(f"{kind}s", name).spec, rank, {})
    if named:
        origins[f"{kind}.name"] = given[rank].layer.origin
    for weaker, choice in reversed(named):
        if choice.name == name:
            layer = given[weaker].layer
            with layer.blamed():
                parse(chosen.spec.options, choice.options, owner=chosen.owner)
            chosen.options.update(choice.options)
            origins.update({f"{kind}.options.{key}": layer.origin for key in choice.options})
    return chosen


def _critic(
    estimator: _Chosen, given: Sequence[Settings], registry: Registry, origins: dict[str, str]
) -> tuple[_Chosen | None, list[str]]:
    """Return the critic, if the estimator takes one, and warnings of critics named for another estimator."""
    spec = cast(EstimatorSpec, estimator.spec)
    if spec.needs_critic:
        return _chosen("critic", spec.critic, given, registry, origins), []
    warnings = []
    for rank, item in enumerate(given):
        if item.critic is not None:
            unused = f"{estimator.owner} takes no critic; got {item.critic.name!r}"
            if rank <= estimator.rank:
                with item.layer.blamed():
                    registry.get("critics", item.critic.name)  # one that nobody knows is the greater mistake
                    raise ConfigError(f"{unused}; leave it out, or choose an estimator that takes one, such as js.")
            warnings.append(f"{unused} in {item.layer.origin}, which has no effect")
    return None, warnings


def _assign(
    estimator: _Chosen,
    critic: _Chosen | None,
    given: Sequence[Settings],
    registry: Registry,
    origins: dict[str, str],
) -> None:
    """Give the options of the one namespace to the estimator or the critic."""
    for item in reversed(given):
        for key, value in item.layer.options.items():
            owner, name = _owner(key, estimator, critic, registry)
            parse(owner.spec.options, {name: value}, owner=owner.owner)
            owner.options[name] = value
            origins[f"{owner.kind}.options.{name}"] = item.layer.origin


def _owner(key: str, estimator: _Chosen, critic: _Chosen | None, registry: Registry) -> tuple[_Chosen, str]:
    kind, dot, name = key.partition(".")
    if dot and kind == "estimator":
        return estimator, name
    if dot and kind == "critic":
        if critic is None:
            raise ConfigError(f"{estimator.owner} takes no critic; got its option {key!r}; leave it out.")
        return critic, name
    owners = [chosen for chosen in (estimator, critic) if chosen is not None]
    having = [chosen for chosen in owners if chosen.has(key)]
    if not having:
        described = {chosen.owner: chosen.spec.options for chosen in owners}
        raise ConfigError(unknown_option(key, described, registry))
    if len(having) > 1:
        both = " and ".join(chosen.owner for chosen in having)
        raise ConfigError(f"{key!r} is an option of both {both}; say estimator.{key} or critic.{key}.")
    return having[0], key


def _loggers(given: Sequence[Settings], registry: Registry, origins: dict[str, str]) -> tuple[Choice, ...]:
    """Return the loggers of the strongest layer that names any; layers do not add up."""
    for item in given:
        if item.loggers is not None:
            origins["loggers"] = item.layer.origin
            with item.layer.blamed():
                return tuple(_logger(choice, registry) for choice in item.loggers)
    return ()


def _logger(choice: Choice, registry: Registry) -> Choice:
    spec = registry.get("loggers", choice.name).spec
    parsed = parse(spec.options, choice.options, owner=f"logger {choice.name!r}")
    return Choice(choice.name, {key: getattr(parsed, key) for key in choice.options})


def _prefer(given: Sequence[Settings], origins: dict[str, str]) -> dict[str, str]:
    prefer: dict[str, str] = {}
    for item in reversed(given):
        prefer.update(item.prefer)
        origins.update({f"plugins.prefer.{name}": item.layer.origin for name in item.prefer})
    return prefer


def _check_reader(text: str, registry: Registry) -> None:
    if text:
        name, options = reference(text)
        parse(registry.get("readers", name).spec.options, options, owner=f"reader {name!r}")


def _untrained(estimator: _Chosen, given: Sequence[Settings]) -> list[str]:
    """Return a warning for flags of training that an estimator which is not trained has no use for."""
    if cast(EstimatorSpec, estimator.spec).trained:
        return []
    keys = [key for item in given if item.layer.origin in FLAGS for key in item.sections["training"]]
    if not keys:
        return []
    return [f"{estimator.owner} is not trained, so that {', '.join(keys)} has no effect"]


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
