"""The built-in plugin: what mist brings itself, through the same hooks as everybody else.

One module a hook, or one a family of estimators, imported when its kind is first asked for, so that `mist --help` need
not make the option classes of estimators. They hold specs and option classes only; what they point to is imported on
use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["HOOKS"]

HOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "estimators": (
            "mistcli.builtin.composites",
            "mistcli.builtin.discriminative",
            "mistcli.builtin.classical",
            "mistcli.builtin.quantised",
            "mistcli.builtin.generative",
        ),
        "critics": ("mistcli.builtin.critics",),
        "readers": ("mistcli.builtin.readers",),
        "loggers": ("mistcli.builtin.loggers",),
        "executors": ("mistcli.builtin.executors",),
        "commands": ("mistcli.builtin.commands",),
    }
)
"""The modules that implement the hook of each kind."""
