"""Keep the runs of mist in Weights & Biases: `--logger wandb`.

Listing loggers imports this module, so it only describes; the work is done in `logger`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import LoggerSpec, hookimpl, option

__all__ = ["MIST_API", "WandbOptions", "mist_loggers"]

MIST_API = "1.0"


@dataclass(frozen=True)
class WandbOptions:
    """The options of `--logger wandb:key=value`."""

    project: str = option("mist", help="The project that the run belongs to.")
    entity: str = option("", help="The user or team that the project belongs to; your own by default.")
    mode: Literal["offline", "online"] = option(
        "offline",
        help="offline needs no key and no network, and leaves a folder for `wandb sync`.",
        choices=("offline", "online"),
    )
    dir: str = option(".", help="The directory in which the folder wandb is made.")
    per_fit: bool = option(True, help="Keep every fit of a run, beside their mean.")
    timeout: float = option(30.0, help="Seconds to wait for the server when the run begins.", min=1, max=3600)


@hookimpl
def mist_loggers() -> Iterable[LoggerSpec]:
    """Name the one logger that this plugin brings."""
    yield LoggerSpec(
        "wandb",
        "mist_plugin_wandb.logger:WandbLogger",
        "Keeps the run for Weights & Biases, offline by default.",
        options=WandbOptions,
        requires=("wandb",),
        sink="remote",
    )
