"""`mist tune`: search the options of an estimator, then estimate with the best on rows that the search has not seen."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from mist_plugin_optuna.space import TRAINING, Dimension, layer, space
from mistcli.cli.estimate import INTERRUPTED, check_data, logger_failed, with_progress
from mistcli.cli.flags import SectionedCommand, layers, option, run_flags
from mistcli.cli.group import Session
from mistcli.cli.interrupt import Interrupt
from mistcli.cli.result import report, warn
from mistcli.config.resolve import Resolved, resolve
from mistcli.config.sources import Layer
from mistcli.errors import ConfigError, FitError
from mistcli.loggers.multiplexer import Hub, open_loggers
from mistcli.plugin import EstimatorSpec
from mistcli.readers.source import open_source
from mistcli.text.json import to_json
from mistcli.training.events import Relay

if TYPE_CHECKING:
    from mist_plugin_optuna.halves import Part
    from mist_plugin_optuna.search import Search, Trial
    from mistcli.result import Estimate, Units

__all__ = ["tune"]

SCHEMA = "mist.tune/1"
SEARCH, OUTPUT = "Search", "Output"


@click.command(cls=SectionedCommand, short_help="Search the options of an estimator, and estimate with the best.")
@run_flags
@option(
    SEARCH,
    "--search",
    "terms",
    multiple=True,
    metavar="KEY=LOW:HIGH[:log]",
    help="An option to search, or KEY=a|b|c; may be given several times.",
)
@option(SEARCH, "--trials", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many to try.")
@option(
    SEARCH,
    "--search-share",
    "share",
    type=click.FloatRange(0.1, 0.9),
    default=0.5,
    show_default=True,
    help="Share of the rows that the search sees; the value comes from the others.",
)
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@option(
    OUTPUT,
    "--progress",
    type=click.Choice(["auto", "plain", "none"]),
    default="auto",
    help="On stderr: a line a trial; auto is that on a terminal.",
)
@option(OUTPUT, "--quiet", "-q", is_flag=True, help="Show the result and errors, and nothing else.")
@click.pass_obj
def tune(
    session: Session,
    /,
    *,
    terms: tuple[str, ...],
    trials: int,
    share: float,
    as_json: bool,
    progress: str,
    quiet: bool,
    **params: Any,
) -> None:
    """Search the options of an estimator of FILE, and estimate with the best.

    Options are judged by the loss on validation rows, never by the estimate. The search sees a share of the rows; the
    value comes from the others, with another seed. Loggers are told of this last estimation.

    \b
        mist tune data.csv --x f1 --y f2 -e js --search lr=1e-3:1e-1:log --search neg_samples=1:64:log
        mist tune data.csv --x f1 --y f2 -e nwj --search 'hidden_dims=32,32|64,64' --trials 50 --json
    """
    session.quiet = quiet
    given = layers(params)
    resolved = resolve(given, session.registry)
    _check_estimator(resolved)
    dimensions = space(terms, given, resolved)
    check_data(resolved)
    if not quiet:
        warn(resolved.warnings)
    shown = not quiet and (progress == "plain" or (progress == "auto" and sys.stderr.isatty()))
    with Interrupt() as stop:
        searched, found = _run(resolved, given, dimensions, trials, share, stop, shown=shown)
    _print(searched, found, resolved.units, as_json=as_json, quiet=quiet)
    if found is None or not found.complete:
        raise click.exceptions.Exit(INTERRUPTED)


def _check_estimator(resolved: Resolved) -> None:
    name = resolved.config.estimator.name
    if not cast(EstimatorSpec, resolved.registry.get("estimators", name).spec).trained:
        raise ConfigError(f"estimator {name!r} is not trained, so that there is no held-out loss to search by.")
    if not resolved.config.training.valid_fraction:
        raise ConfigError("--valid-fraction 0 leaves no rows to search by; let it be larger.")


def _run(
    resolved: Resolved,
    given: list[Layer],
    dimensions: tuple[Dimension, ...],
    trials: int,
    share: float,
    stop: Interrupt,
    *,
    shown: bool,
) -> tuple[Search, Estimate | None]:
    import optuna

    from mist_plugin_optuna.halves import parts
    from mist_plugin_optuna.search import search
    from mistcli.pipeline.estimation import run

    data, registry, seed = resolved.config.data, resolved.registry, resolved.config.seed
    first, second = parts(open_source(Path(data.path), registry, data.reader), data.x, data.y, share, seed)

    def train(options: Mapping[str, Any]) -> Estimate:
        config = resolve([layer(options), *given], registry).config
        return run(config, registry, source=first, should_stop=stop).estimate

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    searched = search(dimensions, train, trials=trials, seed=seed, tell=_Teller(trials, shown=shown))
    if not searched.complete:
        return searched, None
    if searched.best is None:
        raise FitError(f"all {trials} trials failed; the last: {searched.trials[-1].error}")
    return searched, _estimate(resolve([layer(searched.best.options), *given], registry), second, stop)


def _estimate(resolved: Resolved, part: Part, stop: Interrupt) -> Estimate:
    """Estimate with the options that were found, on rows that the search has not seen."""
    from mistcli.pipeline.estimation import run

    config = replace(resolved.config, seed=(resolved.config.seed + 1) % 10**9)
    with contextlib.ExitStack() as stack:
        hub = Hub(open_loggers(with_progress(config.loggers, "none"), resolved.registry), logger_failed)
        stack.callback(hub.close)
        relay = stack.enter_context(Relay(hub))
        found = run(config, resolved.registry, source=part, listener=relay, should_stop=stop).estimate
        relay.finish(complete=found.complete, result=found.to_dict())
    return found


class _Teller:
    """Says on stderr how each trial went."""

    def __init__(self, trials: int, *, shown: bool) -> None:
        self.trials = trials
        self.shown = shown

    def __call__(self, trial: Trial) -> None:
        if self.shown:
            outcome = f"failed: {trial.error}" if trial.loss is None else f"held-out loss {trial.loss:.4f}"
            click.echo(f"trial {trial.number + 1} of {self.trials}, {outcome}, {_flags(trial.options)}", err=True)


def _print(searched: Search, found: Estimate | None, units: Units, *, as_json: bool, quiet: bool) -> None:
    best = searched.best
    if as_json:
        chosen = best and {"options": best.options, "loss": best.loss, "flags": _flags(best.options)}
        if found is not None and not quiet:
            warn(found.warnings)
        value = {
            "schema": SCHEMA,
            "best": chosen,
            "estimate": found and found.to_dict(units),
            "trials": searched.trials,
            "complete": searched.complete and found is not None and found.complete,
        }
        click.echo(to_json(value, indent=2 if sys.stdout.isatty() else None))
        return
    if best is not None:
        click.echo(f"best of {len(searched.trials)} trials, with a held-out loss of {best.loss:.4f}:")
        click.echo(f"{_flags(best.options)}\n")
    if found is not None:
        report(found, units, as_json=False, quiet=quiet)


def _flags(options: Mapping[str, Any]) -> str:
    """Return options as one would give them to `mist estimate`."""
    parts: list[str] = []
    for key, value in options.items():
        parts += [f"--{key.replace('_', '-')}", str(value)] if key in TRAINING else ["-o", f"{key}={value}"]
    return shlex.join(parts)
