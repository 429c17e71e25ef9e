"""`mist lag`: the mutual information of two series against the lag between them."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mistcli.cli.batch import PARTIAL
from mistcli.cli.estimate import INTERRUPTED, check_data, logger_failed, with_progress
from mistcli.cli.flags import SectionedCommand, layers, option, run_flags
from mistcli.cli.group import Session
from mistcli.cli.interrupt import Interrupt
from mistcli.cli.output_file import check_file, replaced
from mistcli.cli.result import warn
from mistcli.config.resolve import Resolved, resolve
from mistcli.errors import ConfigError
from mistcli.loggers.multiplexer import Hub, open_loggers
from mistcli.text import printable
from mistcli.text.json import to_json
from mistcli.training.events import Relay

if TYPE_CHECKING:
    from mistcli.result import LagProfile, Units

__all__ = ["lag"]

OUTPUT = "Output"


@click.command(cls=SectionedCommand, short_help="Estimate it against the lag of a time series.")
@run_flags
@option(
    "Data", "--lags", metavar="LAGS", help="The lags: 1:50, 0:100:10 or 1,2,5; y comes first where one is negative."
)
@option(
    "Data",
    "--given-past",
    type=click.IntRange(1, 100),
    metavar="ROWS",
    help="Transfer entropy: the information given so many rows of the past of y.",
)
@option(OUTPUT, "--out", type=click.Path(path_type=Path), metavar="FILE.csv", help="Write the table to a file, too.")
@option(OUTPUT, "--force", is_flag=True, help="Replace the file of --out.")
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@option(
    OUTPUT,
    "--progress",
    type=click.Choice(["auto", "bar", "plain", "none"]),
    default="auto",
    help="On stderr: a bar, or a line now and then; auto is a bar on a terminal.",
)
@option(OUTPUT, "--quiet", "-q", is_flag=True, help="Show the result and errors, and nothing else.")
@click.pass_obj
def lag(
    session: Session,
    /,
    *,
    lags: str | None,
    given_past: int | None,
    out: Path | None,
    force: bool,
    as_json: bool,
    progress: str,
    quiet: bool,
    **params: Any,
) -> None:
    """Estimate the mutual information of x, and of y some rows later, in FILE, whose rows are moments in order.

    \b
        mist lag series.csv --x a --y b --lags 1:50
        mist lag series.csv --x a --y a --lags 1:20 -e ksg --out own-past.csv
        mist lag series.csv --x a --y b --lags 1:10 --given-past 2
    """
    session.quiet = quiet
    resolved = resolve(layers(params), session.registry)
    check_data(resolved, apart=False)
    if not lags:
        raise ConfigError("no lags are given; say --lags 1:50, for example.")
    if out is not None:
        check_file(out, force=force)
    if not quiet:
        warn(resolved.warnings)
    found = _run(resolved, lags, given_past or 0, "none" if quiet else progress)
    _print(found, resolved.units, as_json=as_json)
    if not quiet:
        warn(found.warnings)
    if out is not None:
        _write(found, out, resolved.units)
    if not found.complete:
        raise click.exceptions.Exit(INTERRUPTED)


def _run(resolved: Resolved, lags: str, given_past: int, progress: str) -> LagProfile:
    from mistcli.data.lagging import lags_of
    from mistcli.independence.transfer import run_transfer
    from mistcli.pipeline.lagged import run_lags

    asked = lags_of(lags)
    with contextlib.ExitStack() as stack:
        choices = with_progress(resolved.config.loggers, progress)
        hub = Hub(open_loggers(choices, resolved.registry), logger_failed)
        stack.callback(hub.close)
        stop = stack.enter_context(Interrupt())
        with Relay(hub) as relay:
            if given_past:
                found = run_transfer(
                    resolved.config, resolved.registry, asked, given_past, listener=relay, should_stop=stop
                )
            else:
                found = run_lags(resolved.config, resolved.registry, asked, listener=relay, should_stop=stop)
            relay.finish(complete=found.complete, result=found.to_dict())
        return found


def _write(found: LagProfile, out: Path, units: Units) -> None:
    """Write the table in full precision."""
    from mistcli.result import LAG_COLUMNS

    try:
        with replaced(out) as partial, partial.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(LAG_COLUMNS)
            writer.writerows(found.rows(units))
    except OSError as error:
        click.echo(f"error: cannot write {printable(str(out))!r}: {error.strerror}; pass another --out.", err=True)
        raise click.exceptions.Exit(PARTIAL) from None


def _print(found: LagProfile, units: Units, *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(found.to_dict(units), indent=2 if sys.stdout.isatty() else None))
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    from rich.console import Console

    from mistcli.report.lags import show

    show(found, Console(emoji=False), units=units)
