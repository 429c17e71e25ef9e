"""`mist test`: whether two groups of columns are independent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mistcli.cli.estimate import INTERRUPTED, check_data
from mistcli.cli.flags import SectionedCommand, data_flags, layers, option
from mistcli.cli.group import Session
from mistcli.cli.interrupt import Interrupt
from mistcli.cli.result import console, warn
from mistcli.config.resolve import resolve
from mistcli.text.json import to_json

if TYPE_CHECKING:
    from mistcli.independence.result import IndependenceTest
    from mistcli.result import Units

__all__ = ["test"]

OUTPUT = "Output"


@click.command(cls=SectionedCommand, name="test", short_help="Test whether two groups of columns are independent.")
@data_flags
@option(
    OUTPUT,
    "--permutations",
    type=click.IntRange(19, 1_000_000),
    metavar="INTEGER",
    help="Permutations of the rows.  [default: 999; 19 to 1000000]",
)
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@option(OUTPUT, "--quiet", "-q", is_flag=True, help="Show the result and errors, and nothing else.")
@click.pass_obj
def test(session: Session, /, *, as_json: bool, quiet: bool, **params: Any) -> None:
    """Test whether two groups of columns of FILE are independent.

    Several statistics are computed, of different kinds and scales; the smallest p-value is corrected for their number
    on the same permutations.

    \b
        mist test data.csv --x f1 --y f2
        mist test data.csv --x 'gene_*' --y label --json
        mist test data.csv --x dose --y outcome --given age,sex --permutations 4999
    """
    session.quiet = quiet
    resolved = resolve(layers(params), session.registry)
    check_data(resolved)
    if not quiet:
        warn(resolved.warnings)
    from mistcli.independence.running import run_test

    with Interrupt() as stop:
        found = run_test(resolved.config, resolved.registry, should_stop=stop)
    _print(found, resolved.units, as_json=as_json, quiet=quiet)
    if not found.complete:
        raise click.exceptions.Exit(INTERRUPTED)


def _print(found: IndependenceTest, units: Units, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        if not quiet:
            warn(found.warnings)
        click.echo(to_json(found.to_dict(units), indent=2 if sys.stdout.isatty() else None))
        return
    from mistcli.report.independence import show

    show(found, console(), units=units)
