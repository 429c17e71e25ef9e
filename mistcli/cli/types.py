"""Parameter types that complete in the shell: names from the registry, columns from the header of the file.

They check nothing: a name is looked up by the command, which says what is wrong with it in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from mistcli.cli.group import session
from mistcli.errors import MistError
from mistcli.plugin.options import fields
from mistcli.plugin.registry import KINDS, Entry
from mistcli.text import printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "AnyType",
    "ColumnType",
    "CriticType",
    "EstimatorReferenceType",
    "EstimatorType",
    "ExecutorType",
    "LoggerType",
    "NameType",
    "ReaderType",
]

PLAIN = re.compile(r"[\w.+-]+")


class NameType(click.ParamType[str]):
    """The name of something in the registry."""

    kinds: ClassVar[Sequence[str]] = KINDS
    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete a name."""
        entries = _entries(ctx, self.kinds)
        return _items(((entry.label, entry.spec.summary) for entry in entries), incomplete)


class AnyType(NameType):
    """The name of anything, of whatever kind."""


class EstimatorType(NameType):
    """The name of an estimator."""

    kinds = ("estimators",)


class CriticType(NameType):
    """The name of a critic."""

    kinds = ("critics",)


class _ReferenceType(NameType):
    """`NAME:key=value,key=value`; after the colon, options complete."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete a name, or the name of an option behind it."""
        name, colon, given = incomplete.partition(":")
        if not colon:
            return super().shell_complete(ctx, param, incomplete)
        before = "".join(given.rpartition(",")[:2])
        rows = [
            (f"{name}:{before}{field.name}=", field.info.help)
            for entry in _entries(ctx, self.kinds)
            if name in (entry.label, entry.qualified)
            for field in fields(entry.spec.options)
        ]
        return _items(rows, incomplete)


class LoggerType(_ReferenceType):
    """A logger, as `NAME` or `NAME:key=value`."""

    kinds = ("loggers",)


class ExecutorType(_ReferenceType):
    """An executor, as `NAME` or `NAME:key=value`."""

    kinds = ("executors",)


class EstimatorReferenceType(_ReferenceType):
    """An estimator, as `NAME` or `NAME:key=value`."""

    kinds = ("estimators",)


class ReaderType(_ReferenceType):
    """A reader, as `NAME` or `NAME:key=value`."""

    kinds = ("readers",)


class ColumnType(click.ParamType[str]):
    """A selector of columns; the last of a comma list completes from the header of the file before it."""

    name = "columns"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a column. What cannot be read completes nothing."""
        from mistcli.readers.source import open_source

        path = _path(ctx)
        if path is None:
            return []
        try:
            reader = str(ctx.params.get("reader") or "")
            names = [column.name for column in open_source(path, session(ctx).registry, reader).columns()]
        except (MistError, OSError):
            return []
        before = "".join(incomplete.rpartition(",")[:2])
        return _items(((before + name, "") for name in names if PLAIN.fullmatch(name)), incomplete)


def _entries(ctx: click.Context, kinds: Iterable[str]) -> list[Entry]:
    registry = session(ctx).registry
    return [entry for kind in kinds for entry in registry.entries(kind)]


def _items(rows: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name, help=printable(text)) for name, text in rows if name.startswith(incomplete)]


def _path(ctx: click.Context) -> Path | None:
    arguments = [param.name for param in ctx.command.params if isinstance(param, click.Argument)]
    # click leaves the arguments in `args` where the option that is being completed has no value yet.
    given = [*(ctx.params.get(name) for name in arguments if name), *ctx.args]
    return next((Path(value) for value in given if isinstance(value, str | Path) and value), None)
