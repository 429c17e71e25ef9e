"""The built-in executors, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import ExecutorSpec, hookimpl, option

__all__ = ["ProcessOptions", "SerialOptions", "mist_executors"]

MOST = 1024
"""The most processes, and the most threads of one: few machines have more cores, and a typing error asks for more."""


@dataclass(frozen=True)
class SerialOptions:
    """The options of `serial`."""

    threads: int = option(1, help="Threads of torch.", min=1, max=MOST)


@dataclass(frozen=True)
class ProcessOptions:
    """The options of `process`."""

    workers: int = option(0, help="Processes; 0 is one a core.", min=0, max=MOST)
    threads: int = option(1, help="Threads of each process.", min=1, max=MOST)
    attempts: int = option(3, help="Attempts at a task whose process dies.", min=1)
    timeout: float | None = option(None, help="Seconds after which a task is given up.", min=0, min_open=True)


@hookimpl
def mist_executors() -> Iterable[ExecutorSpec]:
    """Yield the built-in executors."""
    yield ExecutorSpec(
        "serial",
        "mistcli.executors.serial:SerialExecutor",
        "One task after the other, in this process.",
        options=SerialOptions,
    )
    yield ExecutorSpec(
        "process",
        "mistcli.executors.process:ProcessExecutor",
        "Several processes of this machine; one that dies costs only its own task.",
        options=ProcessOptions,
    )
