"""Search the options of an estimator with Optuna: `mist tune`.

Listing commands imports this module, so it only describes; the work is done in `command` and `search`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mistcli.plugin import CommandSpec, hookimpl

__all__ = ["MIST_API", "mist_commands"]

MIST_API = "1.0"


@hookimpl
def mist_commands() -> Iterable[CommandSpec]:
    """Name the one command that this plugin brings."""
    yield CommandSpec(
        "tune",
        "mist_plugin_optuna.command:tune",
        "Search the options of an estimator, and estimate with the best.",
        requires=("optuna",),
    )
