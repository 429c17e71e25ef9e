"""`mist estimate`: from a file to a number and how sure it is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mistcli.cli.flags import SectionedCommand, layers, option, run_flags
from mistcli.cli.group import Session
from mistcli.cli.interrupt import Interrupt
from mistcli.cli.result import report, warn
from mistcli.config.resolve import Resolved, resolve
from mistcli.config.schema import Choice
from mistcli.data.selection import beside, select
from mistcli.data.selection import resolve as resolve_columns
from mistcli.errors import ConfigError
from mistcli.loggers.multiplexer import Hub, open_loggers
from mistcli.persistence.run_folder import RunFolder
from mistcli.readers.source import open_source
from mistcli.training.events import Listener, Relay

if TYPE_CHECKING:
    from mistcli.result import Estimate

__all__ = ["INTERRUPTED", "check_data", "estimate", "logger_failed", "with_progress"]

INTERRUPTED = 130
OUTPUT = "Output"


@click.command(cls=SectionedCommand, short_help="Estimate the mutual information of two groups of columns.")
@run_flags
@option(OUTPUT, "--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep the whole run in DIR.")
@option(OUTPUT, "--force", is_flag=True, help="Replace the run that is in the folder of --out.")
@option(OUTPUT, "--explain", is_flag=True, help="Say after the result what was done to get it, and why.")
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
def estimate(
    session: Session,
    /,
    *,
    out: Path | None,
    force: bool,
    explain: bool,
    as_json: bool,
    progress: str,
    quiet: bool,
    **params: Any,
) -> None:
    """Estimate the mutual information of two groups of columns of FILE.

    \b
        mist estimate data.csv --x f1 --y f2
        mist estimate data.csv --x f1 --y f2 -e ksg -o k=3 --json
        mist estimate data.csv --x 'gene_*' --y label --out run
        mist estimate data.csv --x dose --y outcome --given sex --permutations 999
    """
    session.quiet = quiet
    resolved = resolve(layers(params), session.registry)
    check_data(resolved)
    if not quiet:
        warn(resolved.warnings)
    shown = with_progress(resolved.config.loggers, "none" if quiet else progress)
    found = _run(resolved, shown, out, force=force)
    report(found, resolved.units, as_json=as_json, quiet=quiet, explained=explain)
    if not found.complete:
        raise click.exceptions.Exit(INTERRUPTED)


def check_data(resolved: Resolved, *, apart: bool = True) -> None:
    """Find out what can be known of the data before anything heavy is imported.

    Arguments:
        resolved: The configuration.
        apart: Whether no column may be on both sides.
    """
    data = resolved.config.data
    for name, value, flag in (("file", data.path, "FILE"), ("x", data.x, "--x"), ("y", data.y, "--y")):
        if not value:
            raise ConfigError(f"no {name} is given; say {flag}, or set it under `data` in a configuration.")
    source = open_source(Path(data.path), resolved.registry, data.reader)
    names = [column.name for column in source.columns()]
    if apart:
        x, y = resolve_columns(names, data.x, data.y)
    else:
        x, y = select(names, data.x, side="x"), select(names, data.y, side="y")
    for side, selector in (("given", data.given), ("group", resolved.config.inference.group)):
        if selector:
            beside(names, selector, {"x": x, "y": y}, side=side)


def with_progress(loggers: Sequence[Choice], progress: str) -> list[Choice]:
    """Return the loggers, with one for the console unless there is one, or none is wanted."""
    others = [choice for choice in loggers if choice.name != "console"]
    if progress == "none":
        return others
    if progress == "auto" and len(others) < len(loggers):
        return list(loggers)
    return [Choice("console", {"style": progress}), *others]


def _run(resolved: Resolved, choices: Sequence[Choice], out: Path | None, *, force: bool) -> Estimate:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(RunFolder(out, force=force)) if out is not None else None
        loggers = open_loggers(choices, resolved.registry)
        hub = Hub([*loggers, *([("--out", folder)] if folder else [])], logger_failed)
        stack.callback(hub.close)
        stop = stack.enter_context(Interrupt())
        with Relay(hub) as relay:
            found = _estimated(resolved, relay, stop, folder)
            relay.finish(complete=found.complete, result=found.to_dict())
        return found


def _estimated(resolved: Resolved, listener: Listener, stop: Interrupt, folder: RunFolder | None) -> Estimate:
    from mistcli.pipeline.estimation import run

    outcome = run(resolved.config, resolved.registry, listener=listener, should_stop=stop)
    if folder is not None:
        for saved in folder.keep(resolved.values(), outcome.estimate, outcome.keep(), resolved.units):
            listener.emit(saved)
    return outcome.estimate


def logger_failed(name: str, error: BaseException) -> None:
    """Tell that a logger is switched off."""
    warn([f"logger {name!r} failed and is switched off: {type(error).__name__}: {error}"])
