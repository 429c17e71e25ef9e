"""Loading plugins, each alone, so that one that is broken harms nobody but itself.

pluggy's own loader stops at the first plugin that raises, skips equal names, and takes a misspelt hook
without a word. Here every entry point and every hook is called by itself, every spec is checked, and what
goes wrong is kept in words, for `mist plugins` and for the moment when somebody asks for what is missing.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Any, Literal

import pluggy

from mistcli.errors import ConfigError, did_you_mean
from mistcli.plugin import (
    API_VERSION,
    CommandSpec,
    CriticSpec,
    EstimatorSpec,
    ExecutorSpec,
    LoggerSpec,
    ReaderSpec,
    Spec,
    hookspecs,
)
from mistcli.plugin.discovery import Candidate, PluginRecord
from mistcli.plugin.options import fields, parse

__all__ = ["KINDS", "Plugin", "collect", "describe", "load"]

HEAVY = ("torch", "pandas", "numpy", "scipy")
NAME = re.compile(r"[a-z][a-z0-9_-]*")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

SPECS: Mapping[str, type[Spec]] = MappingProxyType(
    {
        "estimators": EstimatorSpec,
        "critics": CriticSpec,
        "readers": ReaderSpec,
        "loggers": LoggerSpec,
        "executors": ExecutorSpec,
        "commands": CommandSpec,
    }
)
KINDS = tuple(SPECS)


@dataclass(frozen=True)
class Plugin:
    """A plugin after an attempt to load it: its record, and the specs that are in order."""

    record: PluginRecord
    specs: Mapping[str, tuple[Spec, ...]] = dataclasses.field(default_factory=dict)


def describe(error: BaseException) -> str:
    """Return an error in one line: its type and its message."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def load(candidate: Candidate) -> Plugin:
    """Import the entry points of a plugin, each alone, and collect what they bring."""
    before = frozenset(sys.modules)
    start = perf_counter()
    specs: dict[str, tuple[Spec, ...]] = {}
    problems = [candidate.fault] if candidate.fault else []
    status = "broken"
    for _, import_point in candidate.points:
        try:
            with redirect_stdout(sys.stderr):
                plugin = import_point()
                _check_api(getattr(plugin, "MIST_API", "1.0"))
                problems += collect(plugin, specs)
        except _IncompatibleError as error:
            status = "incompatible"
            problems.append(str(error))
        except (Exception, SystemExit) as error:  # whatever a plugin does, the others go on
            problems.append(describe(error))
    record = dataclasses.replace(
        candidate.record(status if problems else "ok", "; ".join(problems)),
        provides=tuple(f"{kind}: {', '.join(spec.name for spec in specs[kind])}" for kind in KINDS if kind in specs),
        import_ms=(perf_counter() - start) * 1e3,
        heavy=tuple(name for name in HEAVY if name in sys.modules and name not in before),
    )
    return Plugin(record, {kind: _relocated(found, candidate.alias) for kind, found in specs.items()})


def collect(plugin: object, specs: dict[str, tuple[Spec, ...]]) -> list[str]:
    """Call the hooks of a plugin object, add the specs that are in order to `specs`, and return the faults.

    Raises:
        pluggy.PluginValidationError: If a hook takes arguments that are not in its specification.
    """
    manager = pluggy.PluginManager("mist")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    problems = list(_unmarked(plugin))
    for caller in manager.get_hookcallers(plugin) or ():
        kind = caller.name.removeprefix("mist_")
        for hook in caller.get_hookimpls():
            if kind in KINDS:
                problems += _call(kind, hook.function, specs)
            elif not hook.optionalhook:
                problems.append(f"{caller.name!r} is not a hook.{did_you_mean(caller.name, hookspecs.__all__)}")
    return problems


class _IncompatibleError(Exception):
    """A plugin made for another version of the plugin interface."""


def _check_api(declared: object) -> None:
    match = re.fullmatch(r"(\d+)\.(\d+)", declared) if isinstance(declared, str) else None
    if match is None:
        raise _IncompatibleError(f"MIST_API is {declared!r}; expected a string such as {API_VERSION!r}")
    host, wanted = API_VERSION.split("."), match.groups()
    if int(wanted[0]) != int(host[0]) or int(wanted[1]) > int(host[1]):
        raise _IncompatibleError(f"it needs plugin interface {declared}, and this mist has {API_VERSION}")


def _call(kind: str, hook: Callable[..., Any], specs: dict[str, tuple[Spec, ...]]) -> Iterator[str]:
    try:
        returned = list(hook())
    except (Exception, SystemExit) as error:
        yield f"mist_{kind}() raised {describe(error)}"
        return
    for spec in returned:
        taken = {other.name for other in specs.get(kind, ())}
        fault = next(_faults(kind, spec, taken), None)
        if fault:
            yield f"{kind}: {fault}"
        else:
            specs[kind] = (*specs.get(kind, ()), spec)


def _faults(kind: str, spec: Any, taken: set[str]) -> Iterator[str]:
    if not isinstance(spec, SPECS[kind]):
        yield f"expected an {SPECS[kind].__name__}, got {spec!r}"
        return
    if not isinstance(spec.name, str) or not NAME.fullmatch(spec.name):
        yield f"{spec.name!r} is not a name; expected a lower-case word such as 'my-{kind[:-1]}'"
    if spec.name in taken:
        yield f"{spec.name!r} is brought twice"
    if not isinstance(spec.target, str) or not TARGET.fullmatch(spec.target):
        yield f"{spec.name!r} has the target {spec.target!r}; expected 'package.module:Object'"
    if not isinstance(spec.summary, str) or not spec.summary.strip() or "\n" in spec.summary:
        yield f"{spec.name!r} needs a summary of one line"
    yield from _fact_faults(spec)
    yield from _option_faults(spec)


def _fact_faults(spec: Spec) -> Iterator[str]:
    for fact, hint in typing.get_type_hints(type(spec)).items():
        value = getattr(spec, fact, None)
        allowed = typing.get_args(hint)
        if typing.get_origin(hint) is Literal and value not in allowed:
            yield f"{spec.name!r} has {fact}={value!r}; expected one of {', '.join(map(repr, allowed))}"
        if typing.get_origin(hint) is tuple and not isinstance(value, tuple):
            yield f"{spec.name!r} has {fact}={value!r}; expected a tuple"


def _option_faults(spec: Spec) -> Iterator[str]:
    if not isinstance(spec.options, type) or not dataclasses.is_dataclass(spec.options):
        yield f"{spec.name!r} has options that are not a dataclass: {spec.options!r}"
        return
    try:
        declared = fields(spec.options)
        parse(spec.options, {field.name: field.default for field in declared}, owner=repr(spec.name))
    except (TypeError, NameError, ConfigError) as error:
        yield f"{spec.name!r} has options that are not right: {error}"
        return
    for field in declared:
        if not field.info.help.strip():
            yield f"option {field.name!r} of {spec.name!r} needs help"


def _unmarked(plugin: object) -> Iterator[str]:
    for name in hookspecs.__all__:
        hook = getattr(plugin, name, None)
        if callable(hook) and not hasattr(hook, "mist_impl"):
            yield f"{name!r} is not marked with @hookimpl"


def _relocated(specs: tuple[Spec, ...], alias: tuple[str, str]) -> tuple[Spec, ...]:
    stem, private = alias
    return tuple(
        dataclasses.replace(spec, target=private + spec.target.removeprefix(stem))
        if stem and spec.target.startswith(f"{stem}:")
        else spec
        for spec in specs
    )
