"""How a result leaves: a panel for people or one JSON object on stdout, and warnings on stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from mistcli.text import printable
from mistcli.text.json import to_json

if TYPE_CHECKING:
    from rich.console import Console

    from mistcli.result import Estimate, Units

__all__ = ["console", "report", "warn"]


def report(estimate: Estimate, units: Units, *, as_json: bool, quiet: bool = False, explained: bool = False) -> None:
    """Print the result, and how it came about if it is to be `explained`, which JSON always says.

    As JSON, its warnings go to stderr too, unless `quiet`.
    """
    if as_json:
        if not quiet:
            warn(estimate.warnings)
        click.echo(to_json(estimate.to_dict(units), indent=2 if sys.stdout.isatty() else None))
        return
    from mistcli.report.terminal import explain, show

    terminal = console()
    show(estimate, terminal, units=units)
    if explained:
        explain(estimate, terminal)


def console() -> Console:
    """Return the console for results, which writes characters that it cannot show as escape sequences."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    from rich.console import Console

    return Console(emoji=False)


def warn(messages: Iterable[str]) -> None:
    """Print each message to stderr, on a line of its own."""
    for message in messages:
        click.echo(f"warning: {printable(message, len(message))}", err=True)
