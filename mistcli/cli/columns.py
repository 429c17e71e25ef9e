"""`mist columns`: what the columns of a file are called, and which of them a selector takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json
from mistcli.cli.types import ColumnType, ReaderType
from mistcli.data.selection import resolve, select
from mistcli.readers.base import Column
from mistcli.readers.source import open_source
from mistcli.text import printable

__all__ = ["columns"]


@click.command("columns", short_help="List the columns of a file.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--x", default="", type=ColumnType(), help="Mark the columns that this selector takes as x.")
@click.option("--y", default="", type=ColumnType(), help="Mark the columns that this selector takes as y.")
@click.option("--reader", default="", type=ReaderType(), help="The reader, as NAME or NAME:key=value.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def columns(session: Session, path: Path, *, x: str, y: str, reader: str, as_json: bool) -> None:
    """List the columns of FILE, from its header alone: position, type where the file says it, and name.

    With --x and --y, show which columns these selectors take.
    """
    found = open_source(path, session.registry, reader).columns()
    sides = _sides([column.name for column in found], x, y)
    if as_json:
        listed = [
            {"position": index, "name": column.name, "type": column.dtype, "side": sides.get(column.name)}
            for index, column in enumerate(found)
        ]
        echo_json({"schema": "mist.columns/1", "columns": listed})
    else:
        click.echo("\n".join(_lines(found, sides)))


def _sides(names: Sequence[str], x: str, y: str) -> dict[str, str]:
    if x and y:
        names_x, names_y = resolve(names, x, y)
    else:
        names_x = select(names, x, side="x") if x else []
        names_y = select(names, y, side="y") if y else []
    return dict.fromkeys(names_x, "x") | dict.fromkeys(names_y, "y")


def _lines(found: Sequence[Column], sides: dict[str, str]) -> list[str]:
    """Return a line a column. The name comes last, so that the longest one pushes nothing aside."""
    cells = [[f"[{index}]" for index in range(len(found))]]
    if sides:
        cells.append([sides.get(column.name, "") for column in found])
    if any(column.dtype for column in found):
        cells.append([printable(column.dtype or "", limit=30) for column in found])
    widths = [max(map(len, column)) for column in cells]
    rows = zip(*cells, strict=True)
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), name])
        for row, name in zip(rows, (printable(column.name, limit=200) for column in found), strict=True)
    ]
