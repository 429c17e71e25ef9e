"""The one list of all checks, by kind; the checks of a kind are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from mistcli.errors import ConfigError
from mistcli.plugin.loading import KINDS
from mistcli.testing.check import Check
from mistcli.testing.plugins import CHECKS as PLUGIN_CHECKS
from mistcli.testing.spec_checks import CHECKS as ENTRY_CHECKS

__all__ = ["all_checks", "checks_for"]

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "estimators": ("estimators:CHECKS", "estimator_unit_checks:CHECKS"),
        "critics": ("critics:CHECKS",),
        "readers": ("readers:CHECKS",),
        "loggers": ("loggers:CHECKS",),
        "executors": ("commands:EXECUTORS",),
        "commands": ("commands:COMMANDS",),
    }
)


def checks_for(kind: str) -> tuple[Check, ...]:
    """Return the checks of one kind: "plugin", or one of `KINDS` with those of everything that a plugin brings.

    Raises:
        ConfigError: If there is no such kind.

    Example:
        >>> [check.id for check in checks_for("commands")]
        ['S01', 'S02', 'S03', 'S04', 'K01', 'K02', 'K03']
    """
    if kind == "plugin":
        return PLUGIN_CHECKS
    if kind not in MODULES:
        raise ConfigError(f"expected a kind, one of {', '.join(('plugin', *KINDS))}; got {kind!r}.")
    found: list[Check] = []
    for place in MODULES[kind]:
        module, _, name = place.partition(":")
        found += getattr(importlib.import_module(f"mistcli.testing.{module}"), name)
    return (*ENTRY_CHECKS, *sorted(found, key=lambda check: check.id))


def all_checks() -> tuple[Check, ...]:
    """Return all checks, each once."""
    found = {check.id: check for kind in ("plugin", *KINDS) for check in checks_for(kind)}
    return tuple(found.values())
