"""The built-in loggers, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import LoggerSpec, hookimpl, option

__all__ = ["ConsoleOptions", "CsvOptions", "JsonlOptions", "mist_loggers"]


@dataclass(frozen=True)
class ConsoleOptions:
    """The options of `console`."""

    style: Literal["auto", "bar", "plain"] = option(
        "auto",
        help="A bar, or plain lines; auto is a bar on a terminal and nothing elsewhere.",
        choices=("auto", "bar", "plain"),
    )
    every: float = option(5.0, help="Seconds between two plain lines.", min=0)


@dataclass(frozen=True)
class JsonlOptions:
    """The options of `jsonl`."""

    path: str = option("mist.jsonl", help="The file that lines are appended to.")


@dataclass(frozen=True)
class CsvOptions:
    """The options of `csv`."""

    path: str = option("mist.csv", help="The file that rows are appended to.")


@hookimpl
def mist_loggers() -> Iterable[LoggerSpec]:
    """Yield the built-in loggers."""
    yield LoggerSpec(
        "console",
        "mistcli.loggers.console:ConsoleLogger",
        "Progress, held-out estimate and time left, on stderr.",
        options=ConsoleOptions,
        sink="stderr",
    )
    yield LoggerSpec(
        "jsonl",
        "mistcli.loggers.jsonl:JsonlLogger",
        "Every event as a JSON object, a line each.",
        options=JsonlOptions,
    )
    yield LoggerSpec(
        "csv",
        "mistcli.loggers.csv:CsvLogger",
        "Every measured value as a row of a table.",
        options=CsvOptions,
    )
