"""`mistcli.mi_matrix`: the mutual information of all pairs of columns, for Python."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mistcli.api import Selector, selector_of, source_of
from mistcli.config.schema import CleaningConfig
from mistcli.errors import ConfigError
from mistcli.executors.base import open_executor
from mistcli.matrix.result import MutualInformationMatrix
from mistcli.matrix.running import run_matrix
from mistcli.matrix.settings import Fdr, MatrixConfig, check_size, columns_of
from mistcli.pipeline.preprocessing import Source
from mistcli.plugin.registry import Registry
from mistcli.readers.base import Table
from mistcli.readers.source import open_source

__all__ = ["fingerprint_of", "mi_matrix", "read_columns", "source_from"]


def mi_matrix(  # noqa: PLR0913 - what is beside the options is what every matrix has
    data: Any,
    columns: Selector | None = None,
    budget: float | None = None,
    *,
    rows: Selector | None = None,
    groups: Selector | None = None,
    level: float = 0.95,
    fdr: Fdr = "bh",
    missing: str = "drop",
    discrete: Selector = "",
    continuous: Selector = "",
    seed: int = 0,
    reader: str = "",
    executor: str = "serial",
    registry: Registry | None = None,
) -> MutualInformationMatrix:
    r"""Estimate the mutual information of all pairs of columns, with errors, intervals, p-values and q-values.

    Three levels, and the one that settled a pair is its `method`. A screen of all pairs at once: the closed form of a
    normal copula ("copula"), cells of ranks where they tell more ("cells"), and tables of discrete columns ("table").
    Nearest neighbours, weighed with the cells, where finer cells still tell more ("neighbours"). The estimator `auto`
    for the pairs on which these disagree, while the budget lasts ("auto").

    Arguments:
        data: The path of a file, a DataFrame (pandas, polars, Arrow), or a mapping of names to arrays of shape (N,).
        columns: The columns: a selector as on the command line, or a list of names; all by default.
        budget: The seconds within which pairs are estimated by `auto`; by default none is, so that the result does not
            depend on the speed of the machine.
        rows: The columns on the other side of each pair, the same way; by default the same ones.
        groups: Groups of columns that count as one: names and globs, `"f*"` for the groups `f1` (of `f1_1`, `f1_2`) and
            so on. With it, single columns are those of `columns`.
        level: The level of the intervals.
        fdr: How the q-values are found: "bh" (Benjamini-Hochberg), or "by" (Benjamini-Yekutieli), which holds for any
            dependence of the pairs.
        missing: "drop" to use the rows that both columns of a pair have, or "error".
        discrete: Columns to take as discrete.
        continuous: Columns to take as continuous.
        seed: The seed of every random choice: the order of ties, and what `auto` draws.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        executor: Who estimates the pairs that the screen does not settle, as `NAME` or `NAME:key=value`.
        registry: Where names are looked up; everything that is installed by default.

    Returns:
        The matrix, in nats: `.table`, `.matrix()`, `.plot()`, and the columns that were left out as `.skipped`.

    Raises:
        ConfigError: If a selector or an option is wrong, or the matrix would take very long.
        DataError: If fewer than two columns can be used.

    References:
        | Estimating mutual information (Kraskov, Stögbauer and Grassberger, 2004)
        | https://arxiv.org/abs/cond-mat/0305641
        | A statistical framework for neuroimaging data analysis based on mutual information estimated via a Gaussian
          copula (Ince et al., 2017)
        | https://doi.org/10.1002/hbm.23471

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> a, b, noise = rng.standard_normal((3, 500))
        >>> found = mi_matrix({"a": a, "b": b, "c": a**2 + 0.1 * noise})
        >>> found.table.query("q_value < 0.05")[["x", "y"]].values.tolist()
        [['a', 'c']]
    """
    registry = registry or Registry.from_environment()
    if missing not in ("drop", "error"):
        raise ConfigError(f"expected missing 'drop' or 'error'; got {missing!r}.")
    cleaning = CleaningConfig(
        missing="drop" if missing == "drop" else "error",
        discrete=selector_of("discrete", discrete),
        continuous=selector_of("continuous", continuous),
    )
    config = MatrixConfig(
        columns=selector_of("columns", columns) if columns is not None else "",
        rows=selector_of("rows", rows) if rows is not None else "",
        groups=groups if isinstance(groups, str) else ",".join(groups or ()),
        cleaning=cleaning,
        level=level,
        fdr=fdr,
        seed=seed,
        budget=budget,
    )
    source = source_from(data, reader, registry)
    names, table = read_columns(source, config)
    return run_matrix(table, names, config, registry, executor=open_executor(executor, registry))


def source_from(data: Any, reader: str, registry: Registry) -> Source:
    """Return where the columns of `data` come from: a file, or memory.

    Raises:
        DataError: If it cannot be read, or is a pair of arrays.
    """
    if isinstance(data, tuple):
        raise ConfigError("expected a table: a path, a DataFrame or a mapping of columns; got a pair of arrays.")
    path, source = source_of(data)
    return source or open_source(Path(path), registry, reader)


def read_columns(source: Source, config: MatrixConfig) -> tuple[list[str], Table]:
    """Return the names of all columns, and those columns that a matrix needs.

    Raises:
        ConfigError: If a selector is not right, or there are too many columns to begin.
    """
    names = [column.name for column in source.columns()]
    chosen, rows, _ = columns_of(names, config)
    check_size(len(chosen), len(rows), config.budget)
    return names, source.read(list(dict.fromkeys([*rows, *chosen])))


def fingerprint_of(table: Table, names: Sequence[str]) -> str:
    """Return what tells the content of columns from that of others."""
    digest = hashlib.sha256()
    for name in names:
        values = table[name]
        digest.update(name.encode())
        digest.update(repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes())
    return digest.hexdigest()
