"""`mist resume`: go on with a benchmark, sweep or matrix that was stopped or killed."""

from __future__ import annotations

from pathlib import Path

import click

from mistcli.__about__ import __version__
from mistcli.cli.batch import many_flags
from mistcli.cli.group import Session
from mistcli.cli.result import warn
from mistcli.errors import DataError

__all__ = ["resume"]


@click.command(short_help="Go on with a benchmark, sweep or matrix that was stopped.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--retry", is_flag=True, help="Do fits that failed again.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the result, as .png, .svg or .pdf.")
@many_flags
@click.pass_obj
def resume(
    session: Session,
    /,
    *,
    run: Path,
    retry: bool,
    plot: Path | None,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Go on with the run in the folder RUN, which --out of `mist bench`, `sweep` or `matrix` made.

    What is there is not done again.

    \b
        mist bench -e js --tasks all --out run
        mist resume run --executor process:workers=4
    """
    from mistcli.cli import bench, matrix, sweep
    from mistcli.executors import open_executor
    from mistcli.persistence.result_store import Store

    session.quiet = quiet
    store = Store.open(run)
    opened = open_executor(executor, session.registry)
    if store.version != __version__ and not quiet:
        warn([f"'{run}' was begun by mist {store.version}; this is {__version__}, which does every fit anew"])
    if store.kind == "bench":
        plan = bench.kept_plan(store)
        bench.carry_out(session, plan, store, opened, plot, retry=retry, as_json=as_json, quiet=quiet)
    elif store.kind == "sweep":
        tasks = sweep.kept_tasks(store, session)
        sweep.carry_out(session, tasks, store, opened, plot, retry=retry, as_json=as_json, quiet=quiet)
    elif store.kind == "matrix":
        files = (plot,) if plot is not None else ()
        shown = matrix.Shown(files, 20, "nats", network=False, as_json=as_json, quiet=quiet)
        matrix.carry_out(session, matrix.kept_request(store), store, executor, shown)
    else:
        raise DataError(f"'{run}' holds a run of the kind {store.kind!r}, which `mist resume` does not know.")
