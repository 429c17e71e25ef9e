"""Watch the runs of mist in TensorBoard: `--logger tensorboard`.

Listing loggers imports this module, so it only describes; the work is done in `logger`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import LoggerSpec, hookimpl, option

__all__ = ["MIST_API", "TensorBoardOptions", "mist_loggers"]

MIST_API = "1.0"


@dataclass(frozen=True)
class TensorBoardOptions:
    """The options of `--logger tensorboard:key=value`."""

    dir: str = option("runs", help="The directory of all runs, to be given to `tensorboard --logdir`.")
    per_fit: bool = option(True, help="Chart every fit of a run, beside their mean.")


@hookimpl
def mist_loggers() -> Iterable[LoggerSpec]:
    """Name the one logger that this plugin brings."""
    yield LoggerSpec(
        "tensorboard",
        "mist_plugin_tensorboard.logger:TensorBoardLogger",
        "Writes an event file for TensorBoard.",
        options=TensorBoardOptions,
        requires=("tensorboard",),
        sink="file",
    )
