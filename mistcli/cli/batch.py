"""What commands of many fits share: their flags, their progress on stderr, and how they end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mistcli.cli.result import warn
from mistcli.cli.types import ExecutorType
from mistcli.errors import MistError
from mistcli.text import printable

if TYPE_CHECKING:
    from mistcli.persistence.result_store import Progress, Store

__all__ = ["PARTIAL", "finish", "many_flags", "progress"]

PARTIAL = 4
SHOWN = 10
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


def many_flags(function: FunctionT) -> FunctionT:
    """Add the flags that every command of many fits has."""
    decorators = (
        click.option(
            "--executor",
            type=ExecutorType(),
            default="serial",
            show_default=True,
            metavar="NAME:KEY=VALUE",
            help="Who runs the fits, such as process:workers=4.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON, with every fit."),
        click.option("--quiet", "-q", is_flag=True, help="Show the result and errors, and nothing else."),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


@contextlib.contextmanager
def progress(total: int, store: Store | None, *, quiet: bool) -> Iterator[Progress]:
    """Show a bar on a terminal; when interrupted, say how to go on."""
    hidden = quiet or not sys.stderr.isatty()
    try:
        with click.progressbar(length=total, label="fits", file=sys.stderr, show_pos=True, hidden=hidden) as bar:
            yield lambda task, done: bar.update(1)
    except (KeyboardInterrupt, MistError):
        if store is not None:
            click.echo(f"what was finished is kept; go on with: mist resume {_quoted(store.path)}", err=True)
        raise


def finish(failures: Sequence[str], *, quiet: bool) -> None:
    """Tell of the fits that failed, and exit with 4 if some did."""
    if not failures:
        return
    if not quiet:
        more = len(failures) - SHOWN
        warn([*failures[:SHOWN], *([f"{more} more fits failed; --json shows all of them"] if more > 0 else [])])
    raise click.exceptions.Exit(PARTIAL)


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(printable(str(path), 1000))
