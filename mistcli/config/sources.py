"""The places that settings come from: flags, arguments and configuration files, all in the shape of the file.

A file looks like this, and every part of it may be left out:

.. code-block:: yaml

    data: {path: data.csv, x: f1, y: f2}
    estimator: {name: js, options: {neg_samples: 16}}
    critic: {name: joint, options: {hidden_dims: [32, 32]}}
    training: {max_epochs: 5}
    loggers: [jsonl, "csv:path=history.csv"]
    seed: 0
    plugins: {prefer: {foo: mist-plugin-foo}}
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mistcli.config.schema import (
    Choice,
    CleaningConfig,
    DataConfig,
    GeneralConfig,
    InferenceConfig,
    TrainingConfig,
)
from mistcli.errors import ConfigError, did_you_mean
from mistcli.plugin.options import fields, reference

__all__ = ["FLAGS", "PROJECT_FILE", "SECTIONS", "Layer", "Settings", "flat_layer", "load_yaml", "settings"]

PROJECT_FILE = Path("mist.yaml")
"""The configuration of a folder, read where there is one."""

SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        "data": DataConfig,
        "cleaning": CleaningConfig,
        "training": TrainingConfig,
        "inference": InferenceConfig,
    }
)
"""The sections of a configuration, and what each may hold."""

FLAGS = ("flag", "argument")
"""The origins that are not files: the command line, and Python."""

_GENERAL = tuple(item.name for item in fields(GeneralConfig))
_CHOSEN = ("estimator", "critic")
_BARE = {item.name: name for name, cls in SECTIONS.items() if name != "data" for item in fields(cls)}


@dataclass(frozen=True)
class Layer:
    """The settings from one place, as they were given.

    Arguments:
        origin: Where they come from: "flag", "argument" or the name of a file.
        values: The settings, nested as in a configuration file.
        options: Options of the estimator or its critic, in one namespace.
    """

    origin: str
    values: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Name the file in a `ConfigError` that is raised in this context."""
        try:
            yield
        except ConfigError as error:
            if self.origin in FLAGS:
                raise
            raise type(error)(f"{self.origin}: {error}") from error


@dataclass(frozen=True)
class Settings:
    """A layer with its shape checked: only the values are still as they were given.

    Arguments:
        layer: The layer.
        sections: The values of each section of `SECTIONS`.
        general: The values of `GeneralConfig`.
        estimator: The estimator it names.
        critic: The critic it names.
        loggers: The loggers it names; None where it says nothing of loggers.
        prefer: The plugin to take a name from, where several bring it.
    """

    layer: Layer
    sections: Mapping[str, Mapping[str, Any]]
    general: Mapping[str, Any]
    estimator: Choice | None
    critic: Choice | None
    loggers: tuple[Choice, ...] | None
    prefer: Mapping[str, str]


def load_yaml(path: Path) -> Layer:
    """Return the settings in the YAML file at `path`.

    Raises:
        ConfigError: If it cannot be read; what it says is checked when it is resolved.
    """
    from mistcli.config.yaml import read_yaml

    return Layer(str(path), read_yaml(path))


def settings(layer: Layer) -> Settings:
    """Return `layer` with its shape checked.

    Raises:
        ConfigError: If a key is unknown, or a value is not of the shape that its key asks for.

    Example:
        >>> settings(Layer("flag", {"estimator": "js", "training": {"lr": "1e-3"}})).estimator
        Choice(name='js', options={})
    """
    with layer.blamed():
        given = {key: value for key, value in layer.values.items() if value is not None}
        _known(given, "", (*SECTIONS, *_CHOSEN, "loggers", *_GENERAL, "plugins"))
        sections = {name: _section(name, given.get(name)) for name in SECTIONS}
        chosen = {name: _choice(given[name], name) for name in _CHOSEN if name in given}
        return Settings(
            layer,
            sections,
            {name: given[name] for name in _GENERAL if name in given},
            chosen.get("estimator"),
            chosen.get("critic"),
            _loggers(given["loggers"]) if "loggers" in given else None,
            _prefer(given.get("plugins", {})),
        )


def flat_layer(origin: str, given: Mapping[str, Any]) -> Layer:
    """Return settings that are given flat: `estimator`, `training.lr`, `lr`, `neg_samples`, `critic.hidden_dims`.

    Example:
        >>> layer = flat_layer("here", {"estimator": "js", "lr": "1e-3", "critic.hidden_dims": "8"})
        >>> layer.values, layer.options
        ({'estimator': 'js', 'training': {'lr': '1e-3'}}, {'critic.hidden_dims': '8'})
    """
    values: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key, value in given.items():
        section, _, name = key.partition(".")
        if key in (*_CHOSEN, *_GENERAL):
            values[key] = value
        elif name and section in SECTIONS:
            values.setdefault(section, {})[name] = value
        elif key in _BARE:
            values.setdefault(_BARE[key], {})[key] = value
        else:
            options[key] = value
    return Layer(origin, values, options)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key!r} takes a mapping of names to values; got {value!r}.")
    return value


def _known(given: Iterable[str], prefix: str, known: Iterable[str]) -> None:
    known = list(known)
    for key in given:
        if key not in known:
            hint = did_you_mean(str(key), known) or f" It may be one of {', '.join(known)}."
            raise ConfigError(f"unknown key '{prefix}{key}'.{hint}")


def _section(name: str, value: Any) -> dict[str, Any]:
    given = _mapping({} if value is None else value, name)
    declared = {item.name: item for item in fields(SECTIONS[name])}
    _known(given, f"{name}.", declared)
    return {key: _joined(item) if declared[key].type_name == "str" else item for key, item in given.items()}


def _joined(value: Any) -> Any:
    """Return a list of selectors as the one selector that stands for them all."""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value


def _choice(value: Any, key: str) -> Choice:
    if isinstance(value, str):
        return Choice(value)
    given = _mapping(value, key) if isinstance(value, Mapping) else {}
    _known(given, f"{key}.", ("name", "options"))
    name = given.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{key!r} takes a name, or a mapping with `name` and `options`; got {value!r}.")
    return Choice(name, dict(_mapping(given.get("options") or {}, f"{key}.options")))


def _loggers(value: Any) -> tuple[Choice, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"'loggers' takes a list; got {value!r}.")
    return tuple(Choice(*reference(item)) if isinstance(item, str) else _choice(item, "loggers") for item in value)


def _prefer(value: Any) -> dict[str, str]:
    given = _mapping(value, "plugins")
    _known(given, "plugins.", ("prefer",))
    prefer = dict(_mapping(given.get("prefer") or {}, "plugins.prefer"))
    for name, plugin in prefer.items():
        if not isinstance(plugin, str):
            raise ConfigError(f"'plugins.prefer.{name}' takes the name of a plugin; got {plugin!r}.")
    return prefer
