"""Keep the runs of mist in Trackio: `--logger trackio`.

Listing loggers imports this module, so it only describes; the work is done in `logger`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import LoggerSpec, hookimpl, option

__all__ = ["MIST_API", "TrackioOptions", "mist_loggers"]

MIST_API = "1.0"


@dataclass(frozen=True)
class TrackioOptions:
    """The options of `--logger trackio:key=value`."""

    project: str = option("mist", help="The project that the run belongs to.")
    per_fit: bool = option(True, help="Keep every fit of a run, beside their mean.")


@hookimpl
def mist_loggers() -> Iterable[LoggerSpec]:
    """Name the one logger that this plugin brings."""
    yield LoggerSpec(
        "trackio",
        "mist_plugin_trackio.logger:TrackioLogger",
        "Keeps the run in Trackio's database on this machine.",
        options=TrackioOptions,
        requires=("trackio",),
        sink="file",
    )
