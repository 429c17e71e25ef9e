"""Run the fits of mist on Dask: `--executor dask`.

Listing executors imports this module, so it only describes; the work is done in `executor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import ExecutorSpec, hookimpl, option

__all__ = ["MIST_API", "DaskOptions", "mist_executors"]

MIST_API = "1.0"


@dataclass(frozen=True)
class DaskOptions:
    """The options of `--executor dask:key=value`."""

    workers: int = option(
        0, help="Processes of a cluster on this machine; 0 is one a core, or those of `scheduler`.", min=0, max=1024
    )
    scheduler: str = option("", help="The address of a scheduler that runs, such as tcp://host:8786.")
    threads: int = option(1, help="Threads of each fit.", min=1, max=1024)
    attempts: int = option(3, help="Attempts at a task whose worker dies.", min=1, max=100)
    batch: float = option(1.0, help="Seconds of work that are sent at once.", min=0, max=3600)
    timeout: float = option(5.0, help="Seconds in which a scheduler has to answer.", min=0, min_open=True, max=3600)


@hookimpl
def mist_executors() -> Iterable[ExecutorSpec]:
    """Name the one executor that this plugin brings."""
    yield ExecutorSpec(
        "dask",
        "mist_plugin_dask.executor:DaskExecutor",
        "A cluster of Dask: one that runs, or processes of this machine.",
        options=DaskOptions,
        requires=("distributed",),
    )
