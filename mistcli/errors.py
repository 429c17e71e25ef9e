"""Every error that a user can cause: one sentence that says what was expected, what came, and what to do.

The command line prints the sentence and exits with `exit_code`; the library raises it. Anything that is not
a `MistError` is a defect of ours, or of a plugin.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "ConfigError",
    "DataError",
    "FitError",
    "MistError",
    "PluginError",
    "UnknownNameError",
    "did_you_mean",
]


class MistError(Exception):
    """The base of all errors that mist raises on purpose."""

    exit_code: ClassVar[int] = 1


class DataError(MistError, ValueError):
    """The data cannot give the number that was asked for."""


class FitError(MistError, RuntimeError):
    """The estimation itself failed: it diverged, or gave a number that is not finite."""


class ConfigError(MistError, ValueError):
    """An option, a configuration file or a selector is not right."""

    exit_code: ClassVar[int] = 2


class UnknownNameError(ConfigError, LookupError):
    """A name that no plugin brings, or that several do."""


class PluginError(MistError, RuntimeError):
    """A plugin failed: it could not be loaded, or raised something of its own."""

    exit_code: ClassVar[int] = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'js'?"` for the known name nearest to `name`, or an empty string.

    Example:
        >>> did_you_mean("infonc", ["js", "infonce"])
        " Did you mean 'infonce'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
