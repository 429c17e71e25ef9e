"""What a matrix is made of, and whether it can be done at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from mistcli.config.schema import CleaningConfig
from mistcli.data.selection import select
from mistcli.errors import ConfigError
from mistcli.text import listed, printable

__all__ = ["Fdr", "MatrixConfig", "check_cost", "check_size", "columns_of", "group_names", "pair_count"]

Fdr = Literal["bh", "by"]

SECONDS_A_VALUE = 1.6e-8
"""The seconds a row of a pair that the screen takes on one core, for the forecast alone; 0.015 ms for 1,000 rows."""

FEWEST_COUNTED = 200
"""The rows below which a pair takes no less time."""

BYTES_A_PAIR = 250
LONG = 600.0
MOST_BYTES = 8e9
"""What the screen may take without a word: ten minutes and 8 GB."""


@dataclass(frozen=True)
class MatrixConfig:
    """What a matrix is made of, and how.

    Arguments:
        columns: The columns, as a selector; all if empty.
        rows: The columns on the other side, as a selector; the same ones if empty.
        groups: Groups of columns that count as one, as a comma list of names and globs; none if empty.
        cleaning: How columns are cleaned.
        level: The level of the intervals.
        fdr: How the q-values are found.
        seed: The seed of every random choice.
        budget: The seconds within which `auto` estimates pairs that are not settled; None for never.
    """

    columns: str = ""
    rows: str = ""
    groups: str = ""
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    level: float = 0.95
    fdr: Fdr = "bh"
    seed: int = 0
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.fdr not in ("bh", "by"):
            raise ConfigError(f"expected fdr bh or by; got {self.fdr!r}.")
        if not 0 < self.level < 1:
            raise ConfigError(f"expected a level between 0 and 1; got {self.level:g}.")
        if self.budget is not None and not self.budget >= 0:
            raise ConfigError(f"expected a budget of 0 seconds or more; got {self.budget:g}.")


def group_names(names: Sequence[str], selector: str) -> dict[str, list[str]]:
    """Return the groups that a comma list of names and globs takes, each with its columns in numeric order.

    A group `f1` are the columns `f1_1`, `f1_2` and so on.

    Raises:
        ConfigError: If a term matches no group.

    Example:
        >>> group_names(["f1_2", "f1_1", "f2_1", "g"], "f*")
        {'f1': ['f1_1', 'f1_2'], 'f2': ['f2_1']}
    """
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        stem, _, number = name.rpartition("_")
        if stem and number.isascii() and number.isdigit():
            stems.setdefault(stem, []).append((int(number), name))
    found: dict[str, list[str]] = {}
    for term in filter(None, (term.strip() for term in selector.split(","))):
        matched = [stem for stem in stems if stem == term or fnmatchcase(stem, term)]
        if not matched:
            known = listed(list(stems)) if stems else "no column is named like f1_1"
            raise ConfigError(f"groups: '{printable(term)}' matches no group; expected some of: {known}.")
        found |= {stem: [name for _, name in sorted(stems[stem])] for stem in matched}
    return found


def columns_of(names: Sequence[str], config: MatrixConfig) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Return the columns on one side, those on the other, and the groups.

    Raises:
        ConfigError: If a selector is not right, or selects fewer than two columns.
    """
    groups = group_names(names, config.groups) if config.groups else {}
    grouped = [name for members in groups.values() for name in members]
    if config.columns or not groups:
        chosen = select(names, config.columns, side="cols") if config.columns else list(names)
    else:
        chosen = []
    chosen = list(dict.fromkeys([*chosen, *grouped]))
    rows = select(names, config.rows, side="rows") if config.rows else []
    if len(groups) + len(set(chosen) - set(grouped)) < 2 and not set(rows) - set(chosen):
        raise ConfigError("a matrix needs at least two columns or groups; select more by --cols or --groups.")
    return chosen, rows, groups


def check_size(columns: int, others: int, budget: float | None) -> None:
    """Refuse a matrix of so many columns that it cannot be done whatever the number of rows, before they are read.

    Arguments:
        columns: The number of columns.
        others: The number of columns on the other side; 0 if they are the same.
        budget: The seconds that the user allows; None where nothing is said.

    Raises:
        ConfigError: If it takes more than 8 GB, or longer than the budget, or than ten minutes without one.
    """
    check_cost(pair_count(columns, others), FEWEST_COUNTED, budget)


def check_cost(pairs: int, rows: int, budget: float | None) -> None:
    """Refuse a matrix that takes very long, or more memory than is sensible, before it is begun.

    Arguments:
        pairs: The number of pairs of columns.
        rows: The number of rows.
        budget: The seconds that the user allows; None where nothing is said.

    Raises:
        ConfigError: If it takes more than 8 GB, or longer than the budget, or than ten minutes without one.

    Example:
        >>> check_cost(1_225, 2_000, None)
    """
    seconds, memory = pairs * max(rows, FEWEST_COUNTED) * SECONDS_A_VALUE, pairs * BYTES_A_PAIR
    if seconds <= (LONG if budget is None else max(budget, LONG)) and memory <= MOST_BYTES:
        return
    at_least = "at least " if rows <= FEWEST_COUNTED else ""
    told = f"{pairs:,} pairs of columns take {at_least}{_duration(seconds)} and {memory / 1e9:,.1f} GB of memory"
    if memory > MOST_BYTES:
        raise ConfigError(f"{told}; choose fewer by --cols, or one side by --rows: no --budget makes them fit.")
    raise ConfigError(f"{told}; choose fewer columns by --cols, or allow the time by --budget {seconds:.0f}.")


def pair_count(columns: int, rows: int) -> int:
    """Return the number of pairs of columns; `rows` are those on the other side, 0 if they are the same."""
    return rows * columns if rows else columns * (columns - 1) // 2


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
