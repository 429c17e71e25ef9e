"""`mist bench`: how far estimators are off where the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mistcli.cli.batch import finish, many_flags, progress
from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json, echo_table
from mistcli.cli.types import EstimatorReferenceType
from mistcli.errors import ConfigError

if TYPE_CHECKING:
    from mistcli.benchmark import Line, Plan, Row
    from mistcli.executors import Executor
    from mistcli.persistence.result_store import Store

__all__ = ["bench", "carry_out", "kept_plan"]

HEADER = (
    "estimator",
    "n",
    "MAE",
    "median",
    "max",
    "at",
    "bias",
    "within 0.1",
    "coverage",
    "wrong",
    "failed",
    "seconds",
)


@click.command(short_help="Measure estimators where the truth is known.")
@click.option(
    "--estimator",
    "-e",
    "estimators",
    type=EstimatorReferenceType(),
    multiple=True,
    metavar="NAME:KEY=VALUE",
    help="An estimator, with options of it, its critic or its training; may be given several times.",
)
@click.option(
    "--tasks",
    default="beyond-normal",
    show_default=True,
    help="Names, globs, or beyond-normal, further, all, random:SEED:N.",
)
@click.option(
    "--n",
    "sizes",
    default="",
    help="Numbers of pairs, as a comma list; 10,000, or what random tables have, by default.",
)
@click.option("--seeds", type=int, default=1, show_default=True, help="Seeds, each with data of its own.")
@click.option("--level", type=float, default=0.95, show_default=True, help="The level of the intervals.")
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Keep the fits, for `mist resume RUN`.")
@click.option(
    "--heatmap", type=click.Path(path_type=Path), metavar="FILE", help="Draw the errors, as .png, .svg, .pdf."
)
@click.option("--list", "listed", is_flag=True, help="List the tasks and their true values, and run nothing.")
@many_flags
@click.pass_obj
def bench(  # noqa: PLR0913 - a parameter a flag
    session: Session,
    /,
    *,
    estimators: tuple[str, ...],
    tasks: str,
    sizes: str,
    seeds: int,
    level: float,
    out: Path | None,
    heatmap: Path | None,
    listed: bool,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure estimators on distributions whose mutual information is known.

    \b
        mist bench --list
        mist bench -e ksg -e js:max_steps=500 --tasks 'student*' --n 1000,5000 --seeds 3
        mist bench -e ksg --tasks all --executor process:workers=4 --out run
        mist bench -e auto --tasks random:0:100
    """
    session.quiet = quiet
    if listed:
        _list(tasks, as_json=as_json)
        return
    from mistcli.benchmark import Plan
    from mistcli.benchmark.runner import tasks as check
    from mistcli.executors import open_executor
    from mistcli.persistence.result_store import Store

    plan = Plan(estimators, tasks, _sizes(sizes), seeds, level)
    check(plan, session.registry)
    _check_picture(heatmap)
    opened = open_executor(executor, session.registry)
    store = Store.create(out, "bench", vars(plan)) if out is not None else None
    carry_out(session, plan, store, opened, heatmap, as_json=as_json, quiet=quiet)


def carry_out(
    session: Session,
    plan: Plan,
    store: Store | None,
    executor: Executor,
    picture: Path | None,
    *,
    retry: bool = False,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a benchmark, or what is left of it, and print its table."""
    from mistcli.benchmark.leaderboard import leaderboard, to_dict
    from mistcli.benchmark.runner import run, tasks, unsupported

    _check_picture(picture)
    total = len(tasks(plan, session.registry))
    with progress(total, store, quiet=quiet) as told:
        rows = run(plan, session.registry, executor=executor, store=store, retry=retry, told=told)
    left_out = unsupported(plan, session.registry)
    if picture is not None:
        from mistcli.report.plots import draw_benchmark

        draw_benchmark(rows, picture)
    if as_json:
        echo_json(to_dict(rows, plan.level, left_out))
    else:
        echo_table(HEADER, [_cells(line) for line in leaderboard(rows)])
        for name, count in left_out.items():
            if count and not quiet:
                click.echo(f"{name} was not run on {count} tasks, of kinds that it does not take", err=True)
    finish([_failure(row) for row in rows if row.error], quiet=quiet)


def kept_plan(store: Store) -> Plan:
    """Return the plan of a benchmark that was begun."""
    from mistcli.benchmark import Plan

    try:
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in store.plan.items()
        }
        return Plan(**kept)
    except TypeError as error:
        raise ConfigError(f"the plan of '{store.path}' is not one of a benchmark: {error}.") from error


def _check_picture(path: Path | None) -> None:
    if path is not None:
        from mistcli.report.plots import check_picture

        check_picture(path)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise ConfigError(f"--n takes whole numbers, as a comma list; got {text!r}.") from None


def _list(pattern: str, *, as_json: bool) -> None:
    from mistcli.benchmark import find

    found = find(pattern if pattern != "beyond-normal" else "all")
    if as_json:
        facts = ("name", "suite", "x_dim", "y_dim", "x_kind", "y_kind", "rows", "mi", "summary")
        rows = [{fact: getattr(problem, fact) for fact in facts} for problem in found]
        echo_json({"schema": "mist.tasks/1", "units": "nats", "tasks": rows})
        return
    kinds = {"continuous": "", "discrete": " (discrete)", "mixed": " (mixed)"}
    cells = [
        (
            problem.name,
            f"{problem.mi:.4f}",
            f"{problem.x_dim}{kinds[problem.x_kind]}",
            f"{problem.y_dim}{kinds[problem.y_kind]}",
            problem.suite,
            problem.summary,
        )
        for problem in found
    ]
    echo_table(("name", "nats", "x", "y", "suite", "summary"), cells)


def _cells(line: Line) -> list[str]:
    def number(value: float | None, form: str = ".3f") -> str:
        return "-" if value is None else format(value, form)

    return [
        line.estimator,
        "own" if line.n is None else f"{line.n}",
        number(line.mae),
        number(line.median),
        number(line.worst),
        line.worst_task,
        number(line.bias, "+.3f"),
        f"{line.near:.0%}",
        number(line.coverage, ".0%"),
        number(line.wrong, ".0%"),
        f"{line.failed} of {line.fits}",
        number(line.seconds, ".2f"),
    ]


def _failure(row: Row) -> str:
    return f"{row.estimator} failed on {row.task}, n = {row.n}, seed {row.seed}: {row.error}"
