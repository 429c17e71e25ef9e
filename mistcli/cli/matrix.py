"""`mist matrix`: the mutual information of all pairs of columns."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mistcli.cli.batch import many_flags, progress
from mistcli.cli.group import Session
from mistcli.cli.output_file import check_file, replaced
from mistcli.cli.result import warn
from mistcli.cli.tables import echo_json, echo_table
from mistcli.cli.types import ColumnType, ReaderType
from mistcli.config.schema import CleaningConfig
from mistcli.errors import ConfigError, DataError
from mistcli.text import printable

if TYPE_CHECKING:
    from mistcli.matrix.result import MutualInformationMatrix
    from mistcli.matrix.settings import MatrixConfig
    from mistcli.persistence.result_store import Progress, Store
    from mistcli.result import Units

__all__ = ["carry_out", "kept_request", "matrix"]

TABLES = (".csv", ".parquet", ".json")
PICTURES = (".png", ".svg", ".pdf")


class Request(NamedTuple):
    """What is asked for, as plain data that a run folder can keep.

    Arguments:
        path: The file.
        reader: The reader; found by the file if empty.
        settings: The fields of `MatrixConfig` but the cleaning.
        cleaning: The fields of `CleaningConfig` that were given.
    """

    path: str
    reader: str
    settings: dict[str, Any]
    cleaning: dict[str, Any]


class Shown(NamedTuple):
    """How the result is shown.

    Arguments:
        files: The files that it is written to.
        top: How many pairs the table has.
        units: The units.
        network: Whether a picture is a network.
        as_json: Whether JSON is printed.
        quiet: Whether nothing else is said.
    """

    files: tuple[Path, ...]
    top: int
    units: Units
    network: bool
    as_json: bool
    quiet: bool


@click.command(short_help="Estimate it for all pairs of columns.")
@click.argument("path", metavar="FILE", type=click.Path())
@click.option("--cols", default="", type=ColumnType(), metavar="COLUMNS", help="The columns; all by default.")
@click.option("--rows", default="", type=ColumnType(), metavar="COLUMNS", help="The columns on the other side.")
@click.option("--groups", default="", metavar="GROUPS", help="Groups of columns that count as one: f1, or 'f*'.")
@click.option("--budget", type=float, metavar="SECONDS", help="Let auto settle doubtful pairs, within so many seconds.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write a .csv, .parquet, .json, .png, .svg or .pdf file; without an ending, a folder for `mist resume`.",
)
@click.option("--force", is_flag=True, help="Replace files of --out.")
@click.option("--network", is_flag=True, help="Draw a network of dependent columns instead of a heat map.")
@click.option("--top", default=20, show_default=True, type=click.IntRange(0), help="The pairs shown, strongest first.")
@click.option(
    "--fdr",
    type=click.Choice(["bh", "by"]),
    default="bh",
    show_default=True,
    help="q-values by Benjamini-Hochberg, or by Benjamini-Yekutieli, for any dependence of the pairs.",
)
@click.option("--level", type=float, default=0.95, show_default=True, help="The level of the intervals.")
@click.option(
    "--missing", type=click.Choice(["drop", "error"]), default="drop", show_default=True, help="Missing values."
)
@click.option("--discrete", default="", type=ColumnType(), metavar="COLUMNS", help="Columns to take as discrete.")
@click.option("--continuous", default="", type=ColumnType(), metavar="COLUMNS", help="Columns to take as continuous.")
@click.option("--reader", default="", type=ReaderType(), help="The reader, where the file does not say.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The seed of every random choice.")
@click.option("--units", type=click.Choice(["nats", "bits"]), default="nats", show_default=True, help="The units.")
@many_flags
@click.pass_obj
def matrix(  # noqa: PLR0913 - a parameter a flag
    session: Session,
    /,
    *,
    path: str,
    cols: str,
    rows: str,
    groups: str,
    budget: float | None,
    out: tuple[Path, ...],
    force: bool,
    network: bool,
    top: int,
    fdr: str,
    level: float,
    missing: str,
    discrete: str,
    continuous: str,
    reader: str,
    seed: int,
    units: Units,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Estimate the mutual information of all pairs of columns of FILE, with intervals, p-values and q-values.

    \b
        mist matrix data.csv
        mist matrix data.csv --cols 'gene_*' --rows outcome --out table.csv --out map.png
        mist matrix data.csv --groups 'f*' --budget 60

    A screen of ranks and tables estimates all pairs at once. Nearest neighbours refine the pairs for which the screen
    is not reliable, and with --budget, the estimator auto as well. The column method names the last one used.
    """
    session.quiet = quiet
    files, folder = _outputs(out, force=force)
    settings = {"columns": cols, "rows": rows, "groups": groups, "level": level, "fdr": fdr, "seed": seed}
    cleaning = {"missing": missing, "discrete": discrete, "continuous": continuous}
    request = Request(path, reader, {**settings, "budget": budget}, cleaning)
    shown = Shown(files, top, units, network, as_json, quiet)
    config = _config(request)
    _check(request, config, session)
    store = None
    if folder is not None:
        from mistcli.persistence.result_store import Store

        store = Store.create(folder, "matrix", request._asdict())
    carry_out(session, request, store, executor, shown)


def carry_out(session: Session, request: Request, store: Store | None, executor: str, shown: Shown) -> None:
    """Estimate a matrix, or what is left of it, and print its table."""
    from mistcli.executors import open_executor
    from mistcli.matrix.public import fingerprint_of, read_columns, source_from
    from mistcli.matrix.running import run_matrix

    config = _config(request)
    opened = open_executor(executor, session.registry)
    names, table = read_columns(source_from(request.path, request.reader, session.registry), config)
    fingerprint = fingerprint_of(table, sorted(table)) if store else ""
    with progress(0, store, quiet=True), _counter(quiet=shown.quiet) as told:
        found = run_matrix(
            table,
            names,
            config,
            session.registry,
            executor=opened,
            store=store,
            fingerprint=fingerprint,
            told=told,
        )
    for file in shown.files:
        _write(found, file, shown)
    if not shown.quiet:
        warn(found.warnings)
    if shown.as_json:
        echo_json(found.to_dict(shown.units))
    else:
        _show(found, shown)


@contextlib.contextmanager
def _counter(*, quiet: bool) -> Iterator[Progress]:
    """Count the batches of pairs that have ended, on a terminal; how many there are is known only to the screen."""
    if quiet or not sys.stderr.isatty():
        yield lambda task, done: None
        return
    count = itertools.count(1)
    yield lambda task, done: click.echo(f"\r{next(count)} batches of pairs done", err=True, nl=False)
    click.echo("\r" + " " * 40 + "\r", err=True, nl=False)


def kept_request(store: Store) -> Request:
    """Return what was asked for when a matrix was begun."""
    try:
        return Request(**store.plan)
    except TypeError as error:
        raise DataError(f"the plan of '{store.path}' is not one of a matrix: {error}.") from error


def _config(request: Request) -> MatrixConfig:
    from mistcli.matrix.settings import MatrixConfig

    return MatrixConfig(cleaning=CleaningConfig(**request.cleaning), **request.settings)


def _check(request: Request, config: MatrixConfig, session: Session) -> None:
    """Find out what can be known of the data before a folder is made."""
    from mistcli.matrix.public import source_from
    from mistcli.matrix.settings import check_size, columns_of

    columns = source_from(request.path, request.reader, session.registry).columns()
    chosen, rows, _ = columns_of([column.name for column in columns], config)
    check_size(len(chosen), len(rows), config.budget)


def _outputs(out: Sequence[Path], *, force: bool) -> tuple[tuple[Path, ...], Path | None]:
    """Return the files to write, and the folder of the run."""
    files = [path for path in out if path.suffix.lower() in TABLES + PICTURES]
    folders = [path for path in out if not path.suffix]
    for path in out:
        if path not in files and path not in folders:
            known = ", ".join(TABLES + PICTURES)
            name = printable(str(path))
            raise ConfigError(
                f"expected --out to end in one of {known}, or to be a folder without ending; got '{name}'."
            )
        if path in files:
            check_file(path, force=force)
    if len(folders) > 1:
        raise ConfigError("expected one folder among --out; got several.")
    if any(path.suffix.lower() in PICTURES for path in files):
        from mistcli.matrix.drawing import check_drawing

        check_drawing(None)
    return tuple(files), folders[0] if folders else None


def _write(found: MutualInformationMatrix, out: Path, shown: Shown) -> None:
    """Write a table or a picture."""
    import pandas as pd

    from mistcli.text.json import to_json

    ending = out.suffix.lower()
    try:
        with replaced(out) as file:
            if ending in PICTURES:
                found.plot("network" if shown.network else "heatmap", file)
            elif ending == ".json":
                file.write_text(to_json(found.to_dict(shown.units)) + "\n", encoding="utf-8")
            elif ending == ".csv":
                pd.DataFrame(found.columns(shown.units)).to_csv(file, index=False)
            else:
                pd.DataFrame(found.columns(shown.units)).to_parquet(file, index=False)
    except OSError as error:
        raise ConfigError(f"cannot write '{printable(str(out), 1000)}': {error.strerror}.") from error


def _show(found: MutualInformationMatrix, shown: Shown) -> None:
    """Print the strongest pairs, and what was left out."""
    order = found.strongest[: shown.top]
    columns = found.columns(shown.units, order)
    level = f"{100 * found.level:g} % interval"
    gaps = len(set(columns["n"])) > 1
    header = ("x", "y", f"mi ({shown.units})", level, "p-value", "q-value", "r", "method", *(["rows"] if gaps else []))
    rows = [
        [
            printable(row["x"], 30),
            printable(row["y"], 30),
            f"{row['mi']:.4f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['p_value']:.2g}",
            f"{row['q_value']:.2g}",
            f"{row['correlation']:.3f}",
            row["method"],
            *([str(row["n"])] if gaps else []),
        ]
        for row in ({name: values[k] for name, values in columns.items()} for k in range(len(order)))
    ]
    echo_table(header, rows)
    click.echo("")
    click.echo("\n".join(_words(found, len(order))))


def _words(found: MutualInformationMatrix, shown: int) -> list[str]:
    dependent = int((found.q_value <= 0.05).sum())
    settled = ", ".join(f"{count} by {name}" for name, count in found.levels.items())
    told = [
        f"{len(found.mi):,} pairs of {len(found.names)}, the {shown} strongest shown; settled: {settled}",
        f"{dependent:,} dependent at a false discovery rate of 5 % ({found.fdr.upper()}); r is the correlation of two "
        "normal columns with as much information",
    ]
    told += [f"left out: {printable(one.column)} ({one.reason})" for one in found.skipped[:20]]
    if len(found.skipped) > 20:
        told.append(f"left out: {len(found.skipped) - 20} more; --json lists all")
    return [*told, f"time {found.seconds:.1f} s"]
