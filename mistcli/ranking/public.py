"""`mistcli.rank_features`: columns by their information about a target, for Python."""

from __future__ import annotations

from typing import Any

from mistcli.api import Selector, selector_of
from mistcli.config.schema import CleaningConfig
from mistcli.executors.base import open_executor
from mistcli.matrix.public import source_from
from mistcli.matrix.settings import Fdr
from mistcli.pipeline.preprocessing import Source
from mistcli.plugin.registry import Registry
from mistcli.ranking.result import Ranking
from mistcli.ranking.running import run_ranking
from mistcli.ranking.settings import Method, RankConfig, chosen_columns
from mistcli.readers.base import Table

__all__ = ["rank_features", "read_ranked"]


def rank_features(  # noqa: PLR0913 - what is beside the options is what every ranking has
    data: Any,
    target: str,
    columns: Selector | None = None,
    *,
    groups: Selector | None = None,
    given: Selector = "",
    group: str = "",
    block: int | None = None,
    method: Method = "cmi",
    k: int | None = None,
    stop: float = 0.05,
    permutations: int = 199,
    level: float = 0.95,
    fdr: Fdr = "bh",
    discrete: Selector = "",
    continuous: Selector = "",
    seed: int = 0,
    reader: str = "",
    executor: str = "serial",
    registry: Registry | None = None,
) -> Ranking:
    r"""Rank columns by their information about a target: alone, and in a greedy order where each adds to the others.

    Alone, a column has its mutual information with the target, by the levels of `mi_matrix`; with `given`, `group` or
    `block` in closed form on smooth functions of ranks, with a standard error that accounts for them. In the
    greedy order, the next column is one of the five with the largest conditional mutual information given those chosen,
    in the same closed form: the one with which the total grows most, on rows that the fit has not seen. The p-value of
    a step counts how often the best of all candidates adds as much where the rows of the target have changed places.

    Arguments:
        data: The path of a file, a DataFrame (pandas, polars, Arrow), or a mapping of names to arrays of shape (N,).
        target: The target: one column, by name or selector.
        columns: The columns to rank: a selector as on the command line, or a list of names; all others by default.
        groups: Groups of columns that count as one: names and globs, `"f*"` for `f1` (of `f1_1`, `f1_2`) and so on.
        given: The columns that the information is conditional on.
        group: A column whose values tell which rows belong together, such as a subject.
        block: The rows are a series: the length of blocks that are taken for independent.
        method: How the next column is chosen: "cmi" as above, "jmi", "mrmr", or "mim" by what each tells alone.
        k: How many columns are chosen; by default until nothing adds more than chance.
        stop: The p-value above which nothing more is chosen.
        permutations: The permutations of that p-value.
        level: The level of the intervals.
        fdr: How the q-values are found: "bh" (Benjamini-Hochberg) or "by" (Benjamini-Yekutieli).
        discrete: Columns to take as discrete.
        continuous: Columns to take as continuous.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        executor: Who asks neighbours of pairs that the screen does not settle, as `NAME` or `NAME:key=value`.
        registry: Where names are looked up; everything that is installed by default.

    Returns:
        The ranking, in nats: `.table`, `.selected`, `.total`, and the columns that determine the target as `.leaks`.

    Raises:
        ConfigError: If a selector or an option is wrong, or the target is a feature too.
        DataError: If the target, or no column at all, can be used.

    References:
        | Conditional likelihood maximisation: a unifying framework for information theoretic feature selection (Brown,
          Pocock, Zhao and Luján, 2012)
        | https://jmlr.org/papers/v13/brown12a.html
        | A nonstochastic interpretation of reported significance levels (Freedman and Lane, 1983)
        | https://doi.org/10.1080/07350015.1983.10509354

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> a, b, noise = rng.standard_normal((3, 500))
        >>> table = {"a": a, "twin": a + 0.1 * noise, "b": b, "noise": noise, "y": 2 * a + b + noise[::-1]}
        >>> rank_features(table, "y").selected
        ['a', 'b']
    """
    registry = registry or Registry.from_environment()
    config = RankConfig(
        target=target,
        columns=selector_of("columns", columns) if columns is not None else "",
        groups=groups if isinstance(groups, str) else ",".join(groups or ()),
        given=selector_of("given", given),
        group=group,
        block=block,
        method=method,
        k=k,
        stop=stop,
        permutations=permutations,
        cleaning=CleaningConfig(
            discrete=selector_of("discrete", discrete), continuous=selector_of("continuous", continuous)
        ),
        level=level,
        fdr=fdr,
        seed=seed,
    )
    names, table = read_ranked(source_from(data, reader, registry), config)
    return run_ranking(table, names, config, registry, executor=open_executor(executor, registry))


def read_ranked(source: Source, config: RankConfig) -> tuple[list[str], Table]:
    """Return the names of all columns, and those columns that a ranking needs.

    Raises:
        ConfigError: If a selector is not right.
    """
    names = [column.name for column in source.columns()]
    chosen = chosen_columns(names, config)
    group = [chosen.group] if chosen.group else []
    return names, source.read(list(dict.fromkeys([chosen.target, *chosen.given, *group, *chosen.columns])))
