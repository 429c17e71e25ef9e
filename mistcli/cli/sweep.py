"""`mist sweep`: the same estimate under many settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mistcli.cli.batch import finish, many_flags, progress
from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json, echo_table
from mistcli.errors import ConfigError, MistError

if TYPE_CHECKING:
    from mistcli.executors import Executor, Task
    from mistcli.persistence.result_store import Store
    from mistcli.sweeping import Swept

__all__ = ["carry_out", "kept_tasks", "sweep"]


@click.command(short_help="Estimate under many settings, and choose among them.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Keep the fits, for `mist resume RUN`.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the sweep, as .png, .svg or .pdf.")
@many_flags
@click.pass_obj
def sweep(
    session: Session,
    /,
    *,
    file: Path,
    out: Path | None,
    plot: Path | None,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Estimate under all the settings that FILE stands for, and choose among them on validation rows.

    FILE is a configuration, with what varies under `grid`, `zip` and `random`:

    \b
        data: {path: data.csv, x: f1, y: f2}
        estimator: js
        grid: {neg_samples: [1, 4, 16], training.lr: [1e-3, 1e-2]}
        random: {n: 5, seed: 0, over: {critic.hidden_dims: [[32, 32], [64, 64]]}}

    A star marks the point with the lowest validation loss. The value of the choice comes from rows that had no part
    in it: each fold chooses by its own validation rows, and values its test rows by the fit that it chose.
    """
    from mistcli.config.yaml import read_yaml
    from mistcli.executors import open_executor
    from mistcli.persistence.result_store import Store
    from mistcli.sweeping import sweep_tasks

    session.quiet = quiet
    _check_picture(plot)
    values = read_yaml(file)
    try:
        tasks = sweep_tasks(values, session.registry)
    except ConfigError as error:
        raise type(error)(f"{file}: {error}") from error
    opened = open_executor(executor, session.registry)
    store = None
    if out is not None:
        store = Store.create(out, "sweep", {"values": values, "keys": [task.key for task in tasks]})
    carry_out(session, tasks, store, opened, plot, as_json=as_json, quiet=quiet)


def carry_out(
    session: Session,
    tasks: Sequence[Task],
    store: Store | None,
    executor: Executor,
    picture: Path | None,
    *,
    retry: bool = False,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a sweep, or what is left of it, and print its table."""
    from mistcli.sweeping import run, to_dict

    _check_picture(picture)
    with progress(len(tasks), store, quiet=quiet) as told:
        swept = run(tasks, session.registry, executor, store=store, retry=retry, told=told)
    if picture is not None:
        from mistcli.report.plots import draw_sweep

        draw_sweep(swept, picture)
    if as_json:
        echo_json(to_dict(swept))
    else:
        _show(swept)
    failures = [
        f"the point {', '.join(f'{key}={_shown(value)}' for key, value in point.items())} failed: {done.error}"
        for point, done in zip(swept.points, swept.done, strict=True)
        if done.error
    ]
    finish(failures, quiet=quiet)


def kept_tasks(store: Store, session: Session) -> list[Task]:
    """Return the points of a sweep that was begun.

    Raises:
        MistError: If its data, mist or a plugin has changed since, so that old and new fits would not compare.
    """
    from mistcli.sweeping import sweep_tasks

    tasks = sweep_tasks(store.plan["values"], session.registry)
    if [task.key for task in tasks] != list(store.plan["keys"]):
        raise MistError(f"the data, mist or a plugin has changed since '{store.path}' was begun; begin a new sweep.")
    return tasks


def _check_picture(path: Path | None) -> None:
    if path is not None:
        from mistcli.report.plots import check_picture

        check_picture(path)


def _show(swept: Swept) -> None:
    keys = list(swept.points[0])
    best = {one.best for one in swept.selected}
    rows = []
    for place, (point, done) in enumerate(zip(swept.points, swept.done, strict=True)):
        mark = "*" if place in best else ""
        rows.append([str(place), *(_shown(point[key]) for key in keys), *_cells(done.result), mark])
    echo_table(("point", *keys, "valid loss", "nats", "stderr", "seconds", "best"), rows)
    for one in swept.selected:
        chosen = ",".join(map(str, one.chosen))
        alike = [other for other in swept.selected if other.estimator == one.estimator]
        among = f", points {','.join(map(str, one.among))}" if len(alike) > 1 else ""
        click.echo(
            f"\n{one.estimator}{among}: {one.mi:.4f} nats, standard error {one.stderr:.4f}, on rows that did not "
            f"choose (the folds chose the points {chosen}; the best of all is {one.best})"
        )
    if not swept.selected and any(done.result for done in swept.done):
        click.echo("\nno choice: what is not trained has no loss on validation rows to choose by")


def _cells(result: Any) -> list[str]:
    if result is None:
        return ["-", "failed", "-", "-"]
    losses = [fold["valid_loss"] for fold in result["folds"]]
    loss = f"{sum(losses) / len(losses):.4f}" if losses else "-"
    return [loss, f"{result['mi']:.4f}", f"{result['stderr']:.4f}", f"{result['seconds']:.2f}"]


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
