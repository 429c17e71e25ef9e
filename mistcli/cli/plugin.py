"""`mist plugin`: make a plugin, or check one, be it one's own or a stranger's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json
from mistcli.errors import PluginError
from mistcli.plugin.options import assignment
from mistcli.text import printable

if TYPE_CHECKING:
    from mistcli.testing.check import Outcome
    from mistcli.testing.running import Report

__all__ = ["plugin"]

KINDS = ("estimator", "critic", "reader", "logger", "executor", "command")
COLOURS = {"passed": "green", "failed": "red", "warned": "yellow", "skipped": None}


@click.group(short_help="Make a plugin, or check one.")
def plugin() -> None:
    """Make a plugin, or check one.

    \b
        mist plugin new foo --kind estimator
        pip install ./mist-plugin-foo
        mist plugin check foo
    """


@plugin.command(short_help="Make a plugin that works, to be changed into yours.")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="estimator", show_default=True, help="What it brings.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where its folder is made.  [default: here]",
)
@click.pass_obj
def new(session: Session, *, name: str, kind: str, folder: Path) -> None:
    """Make a plugin that works, to be changed into yours.

    It is a folder mist-plugin-NAME with a package, tests and a README, that can be installed as it is.
    """
    from mistcli.plugin.scaffold import scaffold

    made = scaffold(name, kind, folder, session.registry)
    shown = printable(str(made), limit=500)
    (source,) = made.glob(f"*/{kind}.py")
    click.echo(
        f"made {shown}; next:\n"
        f"  pip install --editable {shown}\n"
        f"  mist plugin check {made.name.removeprefix('mist-plugin-')}\n"
        f"then change {printable(str(source), limit=500)} into yours"
    )


@plugin.command(short_help="Check that a plugin does what plugins should.")
@click.argument("name", metavar="NAME|DIR")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--fast", is_flag=True, help="Leave out the checks that train to the end.")
@click.option("--only", multiple=True, metavar="ID", help="Do this check alone; may be given several times.")
@click.option(
    "--option",
    "-o",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of what is checked; may be given several times.",
)
@click.pass_obj
def check(
    session: Session, *, name: str, as_json: bool, fast: bool, only: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Check that a plugin does what plugins should.

    NAME is that of an installed plugin, of something that it brings, or of what is built in; DIR is the folder of a
    plugin that is installed. Exit code 3 if a required check fails.
    """
    from mistcli.testing.running import run_checks

    session.quiet = True
    given = dict(map(assignment, options))
    report = run_checks(
        name,
        session.registry,
        only=only,
        fast=fast,
        options=given,
        told=None if as_json else _Teller(),
    )
    if as_json:
        echo_json({"schema": "mist.plugin-check/1", **report.to_dict()})
    else:
        click.echo(_summary(report))
    if not report.passed:
        raise click.exceptions.Exit(PluginError.exit_code)


class _Teller:
    """Prints each outcome as it comes, below a line that says of what."""

    def __init__(self) -> None:
        self._of = ""

    def __call__(self, outcome: Outcome) -> None:
        """Print an outcome."""
        if outcome.of != self._of:
            self._of = outcome.of
            click.echo(printable(outcome.of, limit=200))
        status = click.style(outcome.status.ljust(7), fg=COLOURS[outcome.status])
        click.echo(f"  {outcome.check.id}  {status}  {outcome.check.title}")
        if outcome.message and outcome.status != "skipped":
            click.echo(f"                {_safe(outcome.message)}")


def _summary(report: Report) -> str:
    counts = {status: sum(o.status == status for o in report.outcomes) for status in COLOURS}
    reasons = sorted({o.message for o in report.outcomes if o.status == "skipped"})
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return "\n".join([told, *(f"  skipped: {_safe(reason)}" for reason in reasons)])


def _safe(text: str) -> str:
    return printable(" ".join(text.split()), limit=len(text))
