"""What a ranking is made of, and which columns it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from mistcli.config.schema import CleaningConfig
from mistcli.data.selection import beside, select
from mistcli.errors import ConfigError
from mistcli.matrix.settings import Fdr, group_names
from mistcli.text import printable

__all__ = ["Chosen", "Method", "RankConfig", "chosen_columns"]

Method = Literal["cmi", "jmi", "mrmr", "mim"]


@dataclass(frozen=True)
class RankConfig:
    """What is ranked, and how.

    Arguments:
        target: The target, as a selector of one column.
        columns: The columns, as a selector; all others if empty.
        groups: Groups of columns that count as one, as a comma list of names and globs; none if empty.
        given: What the information is conditional on, as a selector; nothing if empty.
        group: A column whose values tell which rows belong together, as a selector; none if empty.
        block: The length of blocks of a series that are taken for independent; None for independent rows.
        method: How the next column is chosen.
        k: How many columns are chosen; None to stop where nothing adds more than chance.
        stop: The p-value above which nothing more is chosen.
        permutations: The permutations of that p-value.
        cleaning: How columns are cleaned.
        level: The level of the intervals.
        fdr: How the q-values are found.
        seed: The seed of every random choice.
    """

    target: str
    columns: str = ""
    groups: str = ""
    given: str = ""
    group: str = ""
    block: int | None = None
    method: Method = "cmi"
    k: int | None = None
    stop: float = 0.05
    permutations: int = 199
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    level: float = 0.95
    fdr: Fdr = "bh"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ConfigError(f"expected the method cmi, jmi, mrmr or mim; got {self.method!r}.")
        if self.k is not None and self.k < 1:
            raise ConfigError(f"expected k to be 1 or more; got {self.k}.")
        if not 0 < self.stop < 1:
            raise ConfigError(f"expected a p-value to stop at between 0 and 1; got {self.stop:g}.")
        if self.permutations < 19:
            raise ConfigError(
                f"expected 19 permutations or more, for p-values as low as 0.05; got {self.permutations}."
            )
        if self.group and self.block:
            raise ConfigError("rows are a series, or belong together by a column; pass block or group, not both.")


class Chosen(NamedTuple):
    """The columns of a ranking.

    Arguments:
        target: The target.
        columns: The columns, those of groups included.
        groups: The groups, each with its columns.
        given: What is given.
        group: The column that tells which rows belong together; empty for none.
    """

    target: str
    columns: list[str]
    groups: dict[str, list[str]]
    given: list[str]
    group: str


def chosen_columns(names: Sequence[str], config: RankConfig) -> Chosen:
    """Return the columns that a ranking takes.

    Raises:
        ConfigError: If a selector is not right, or a column is the target and something else too.

    Example:
        >>> chosen_columns(["a", "b", "y"], RankConfig("y")).columns
        ['a', 'b']
    """
    found = select(names, config.target, side="target")
    if len(found) > 1:
        raise ConfigError(f"expected one column as target; got {len(found)}: {', '.join(map(printable, found[:5]))}.")
    target = found[0]
    sides = {"target": [target]}
    given = beside(names, config.given, sides, side="given") if config.given else []
    group = beside(names, config.group, {**sides, "given": given}, side="group") if config.group else []
    if len(group) > 1:
        raise ConfigError(f"expected one column that tells groups of rows; got {len(group)}.")
    groups = group_names(names, config.groups) if config.groups else {}
    grouped = [name for members in groups.values() for name in members]
    taken = {target, *given, *group}
    if config.columns:
        columns = select(names, config.columns, side="cols")
    else:
        columns = [] if groups else [name for name in names if name not in taken]
    columns = list(dict.fromkeys([*columns, *grouped]))
    for name in columns:
        if name in taken:
            what = "the target" if name == target else "given or the group"
            raise ConfigError(
                f"'{printable(name)}' is {what} and a feature too; take it away from the features with "
                f"'!{printable(name)}'."
            )
    if not columns:
        raise ConfigError("no column is left to rank; select some by --cols.")
    return Chosen(target, columns, groups, given, group[0] if group else "")
