"""What the listing commands print: tables for people, JSON for programs. rich is imported to draw a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mistcli.plugin import Spec
from mistcli.plugin.options import fields, range_text
from mistcli.plugin.registry import Entry
from mistcli.text import printable
from mistcli.text.json import to_json

__all__ = ["default_text", "echo_json", "echo_table", "entry_data", "facts", "options_data"]

PIPE_WIDTH = 1000
COMMON = ("name", "target", "summary", "options", "requires", "reference")


def echo_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    click.echo(to_json(value, indent=2))


def echo_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: as wide as the terminal, or into a pipe as wide as it needs."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, no_wrap=name == header[0])
    for row in rows:
        table.add_row(*(Text(_safe(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False, emoji=False).print(table)
        return
    console = Console(width=PIPE_WIDTH, highlight=False, emoji=False)
    with console.capture() as drawn:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def facts(spec: Spec) -> dict[str, Any]:
    """Return what a spec declares beyond what every spec does, such as family and bound."""
    names = [name for name in spec.__dataclass_fields__ if name not in COMMON and name != "_"]
    return {name: _readable(getattr(spec, name)) for name in names}


def options_data(options: type) -> list[dict[str, Any]]:
    """Return the options that a dataclass declares, as plain values."""
    return [
        {
            "name": field.name,
            "type": field.type_name,
            "default": field.default,
            "help": field.info.help,
            "min": field.info.min,
            "max": field.info.max,
            "range": range_text(field.info),
            "choices": field.info.choices,
        }
        for field in fields(options)
    ]


def entry_data(entry: Entry) -> dict[str, Any]:
    """Return all that is known of an entry, as plain values."""
    spec = entry.spec
    return {
        "name": entry.label,
        "qualified": entry.qualified,
        "kind": entry.kind.removesuffix("s"),
        "summary": spec.summary,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "version": entry.version,
        "status": entry.status,
        "reason": entry.reason,
        "target": spec.target,
        "requires": spec.requires,
        "reference": spec.reference,
        "facts": facts(spec),
        "options": options_data(spec.options),
    }


def default_text(default: Any) -> str:
    """Return a default as one would type it.

    Example:
        >>> default_text((64, 64)), default_text(None), default_text(True), default_text("")
        ('64,64', 'none', 'true', 'empty')
    """
    if default in ("", ()):
        return "empty"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if default is None or isinstance(default, bool) else str(default)


def _safe(cell: str) -> str:
    return "\n".join(printable(line, limit=len(line)) for line in cell.splitlines())


def _readable(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_readable(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value
