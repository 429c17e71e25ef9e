"""The whole plugin surface of mist: six hooks, each of which returns specs and does nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from mistcli.plugin import CommandSpec, CriticSpec, EstimatorSpec, ExecutorSpec, LoggerSpec, ReaderSpec

__all__ = [
    "mist_commands",
    "mist_critics",
    "mist_estimators",
    "mist_executors",
    "mist_loggers",
    "mist_readers",
]

hookspec = pluggy.HookspecMarker("mist")


@hookspec
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Return the estimators that this plugin brings, for `--estimator` and `mist list-estimators`."""
    return ()


@hookspec
def mist_critics() -> Iterable[CriticSpec]:
    """Return the critics that this plugin brings, for `--critic` and `mist list-critics`."""
    return ()


@hookspec
def mist_readers() -> Iterable[ReaderSpec]:
    """Return the readers that this plugin brings, found by file name, magic bytes or `--reader`."""
    return ()


@hookspec
def mist_loggers() -> Iterable[LoggerSpec]:
    """Return the loggers that this plugin brings, for `--logger` and `mist list-loggers`."""
    return ()


@hookspec
def mist_executors() -> Iterable[ExecutorSpec]:
    """Return the executors that this plugin brings, for `--executor`."""
    return ()


@hookspec
def mist_commands() -> Iterable[CommandSpec]:
    """Return the commands that this plugin adds to `mist`."""
    return ()
