"""`mist rank`: columns by their information about a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mistcli.cli.batch import many_flags
from mistcli.cli.group import Session
from mistcli.cli.output_file import check_file, replaced
from mistcli.cli.result import warn
from mistcli.cli.tables import echo_json, echo_table
from mistcli.cli.types import ColumnType, ReaderType
from mistcli.config.schema import CleaningConfig
from mistcli.errors import ConfigError
from mistcli.text import listed, printable

if TYPE_CHECKING:
    from mistcli.ranking.result import RankedFeature, Ranking
    from mistcli.ranking.settings import Method
    from mistcli.result import Units

__all__ = ["rank"]

TABLES = (".csv", ".parquet", ".json")


@click.command(short_help="Rank columns by their information about a target.")
@click.argument("path", metavar="FILE", type=click.Path())
@click.option("--target", required=True, type=ColumnType(), metavar="COLUMN", help="The column to tell of.")
@click.option(
    "--cols", default="", type=ColumnType(), metavar="COLUMNS", help="The columns to rank; all others by default."
)
@click.option("--groups", default="", metavar="GROUPS", help="Groups of columns that count as one: f1, or 'f*'.")
@click.option(
    "--given", default="", type=ColumnType(), metavar="COLUMNS", help="What the information is conditional on."
)
@click.option(
    "--group", default="", type=ColumnType(), metavar="COLUMN", help="A column that tells which rows belong together."
)
@click.option(
    "--block", type=click.IntRange(1), metavar="ROWS", help="The rows are a series: the length of its blocks."
)
@click.option(
    "--method",
    type=click.Choice(["cmi", "jmi", "mrmr", "mim"]),
    default="cmi",
    show_default=True,
    help="The next column by what it adds to those chosen, by JMI, by mRMR, or by what it tells alone.",
)
@click.option("--k", type=int, metavar="NUMBER", help="How many to choose; by default until nothing adds more.")
@click.option("--stop", type=float, default=0.05, show_default=True, help="The p-value above which the order stops.")
@click.option("--permutations", type=int, default=199, show_default=True, help="The permutations of that p-value.")
@click.option("--top", default=20, show_default=True, type=click.IntRange(0), help="The columns shown.")
@click.option("--fdr", type=click.Choice(["bh", "by"]), default="bh", show_default=True, help="How q-values are found.")
@click.option("--level", type=float, default=0.95, show_default=True, help="The level of the intervals.")
@click.option("--discrete", default="", type=ColumnType(), metavar="COLUMNS", help="Columns to take as discrete.")
@click.option("--continuous", default="", type=ColumnType(), metavar="COLUMNS", help="Columns to take as continuous.")
@click.option("--reader", default="", type=ReaderType(), help="The reader, where the file does not say.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The seed of every random choice.")
@click.option("--units", type=click.Choice(["nats", "bits"]), default="nats", show_default=True, help="The units.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write a .csv, .parquet or .json file.")
@click.option("--force", is_flag=True, help="Replace the file of --out.")
@many_flags
@click.pass_obj
def rank(  # noqa: PLR0913 - a parameter a flag
    session: Session,
    /,
    *,
    path: str,
    target: str,
    cols: str,
    groups: str,
    given: str,
    group: str,
    block: int | None,
    method: Method,
    k: int | None,
    stop: float,
    permutations: int,
    top: int,
    fdr: str,
    level: float,
    discrete: str,
    continuous: str,
    reader: str,
    seed: int,
    units: Units,
    out: Path | None,
    force: bool,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Rank the columns of FILE by their information about a target, one by one and in a greedy order.

    \b
        mist rank data.csv --target outcome
        mist rank data.csv --target outcome --given age --group subject
        mist rank data.csv --target outcome --k 10 --method jmi --json

    The greedy order stops when the best remaining column adds nothing significant. The total is the information of the
    selected columns together, estimated on held-out rows: a lower bound.
    """
    from mistcli.executors import open_executor
    from mistcli.matrix.public import source_from
    from mistcli.ranking.public import read_ranked
    from mistcli.ranking.running import run_ranking
    from mistcli.ranking.settings import RankConfig

    session.quiet = quiet
    _check_out(out, force=force)
    config = RankConfig(
        target=target,
        columns=cols,
        groups=groups,
        given=given,
        group=group,
        block=block,
        method=method,
        k=k,
        stop=stop,
        permutations=permutations,
        cleaning=CleaningConfig(discrete=discrete, continuous=continuous),
        level=level,
        fdr="by" if fdr == "by" else "bh",
        seed=seed,
    )
    opened = open_executor(executor, session.registry)
    names, table = read_ranked(source_from(path, reader, session.registry), config)
    found = run_ranking(table, names, config, session.registry, executor=opened)
    if out is not None:
        _write(found, out, units)
    if not quiet:
        warn(found.warnings)
    if as_json:
        echo_json(found.to_dict(units))
    else:
        _show(found, top, units, asked=k is not None)


def _check_out(out: Path | None, *, force: bool) -> None:
    if out is None:
        return
    if out.suffix.lower() not in TABLES:
        raise ConfigError(f"expected --out to end in {', '.join(TABLES)}; got '{printable(str(out))}'.")
    check_file(out, force=force)


def _write(found: Ranking, out: Path, units: Units) -> None:
    import pandas as pd

    from mistcli.text.json import to_json

    values = found.to_dict(units)
    try:
        with replaced(out) as file:
            if out.suffix.lower() == ".json":
                file.write_text(to_json(values) + "\n", encoding="utf-8")
                return
            frame = pd.DataFrame(values["features"]).astype(found.table.dtypes)
            frame.to_csv(file, index=False) if out.suffix.lower() == ".csv" else frame.to_parquet(file, index=False)
    except OSError as error:
        raise ConfigError(f"cannot write '{printable(str(out), 1000)}': {error.strerror}.") from error


def _show(found: Ranking, top: int, units: Units, *, asked: bool) -> None:
    level = f"{100 * found.interval.level:g} % interval"
    header = ("column", f"mi ({units})", level, "q-value", "order", "adds", "p", "total")
    shown = found.to_dict(units)["features"][:top]
    echo_table(header, [_cells(one, row) for one, row in zip(found.features, shown, strict=False)])
    click.echo("")
    click.echo("\n".join(_words(found, units, asked=asked)))


def _cells(one: RankedFeature, row: dict[str, float | int | None]) -> list[str]:
    order = ["", "", "", ""]
    if one.order is not None:
        order = [str(one.order), f"{row['adds']:.4f}", f"{one.p_adds:.2g}", f"{row['total']:.4f}"]
    alone = [f"{row['mi']:.4f}", f"{row['low']:.3f} to {row['high']:.3f}"]
    return [printable(one.name, 40), *alone, f"{one.q_value:.2g}", *order]


def _words(found: Ranking, units: Units, *, asked: bool) -> list[str]:
    values = found.to_dict(units)
    interval, count = values["interval"], len(found.selected)
    of = f"{printable(found.target)}, given {listed(found.given)}" if found.given else printable(found.target)
    told = []
    if count:
        together = "the column chosen tells" if count == 1 else f"the {count} columns chosen together tell"
        told.append(
            f"{together} {values['total']:.4f} ± {values['stderr']:.4f} {units} of {of} "
            f"({interval['low']:.3f} to {interval['high']:.3f}), at least"
        )
    if found.next_p_value is not None:
        what = "--k columns are chosen" if asked else "the best column that is left adds no more than chance"
        told.append(f"{what}; p of what the next one adds: {found.next_p_value:.2g}")
    told += [f"left out: {printable(one.column)} ({one.reason})" for one in found.skipped[:20]]
    if len(found.skipped) > 20:
        told.append(f"left out: {len(found.skipped) - 20} more; --json lists all")
    return [*told, f"{found.n:,} rows; time {found.seconds:.1f} s"]
