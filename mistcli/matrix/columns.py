"""The columns of a matrix, each by itself: ranks or codes, where values are missing, and which are left out and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import CleaningConfig
from mistcli.data.cleaning import Kind, column_alone, forced_kinds
from mistcli.errors import DataError
from mistcli.matrix.ranks import Floats, Ints, random_ranks
from mistcli.readers.base import Table
from mistcli.text import printable

__all__ = ["FEWEST_ROWS", "Columns", "Skipped", "Unit", "coded_columns", "patterns"]

FEWEST_ROWS = 5
"""The fewest rows of a pair: with fewer, the correlation of ranks has no p-value below 0.05."""


@dataclass(frozen=True)
class Skipped:
    """A column that is left out.

    Arguments:
        column: Its name.
        reason: Why, in words.
    """

    column: str
    reason: str


@dataclass(frozen=True)
class Unit:
    """One column, ready for the screen.

    Arguments:
        name: Its name.
        codes: Ranks from 0 with ties broken at random, or codes of levels from 0, (N,).
        levels: The number of levels; 0 for a continuous column.
        present: Where it has a value, (N,); None where it has one everywhere.
    """

    name: str
    codes: Ints
    levels: int
    present: NDArray[np.bool_] | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is continuous or discrete."""
        return "discrete" if self.levels else "continuous"


@dataclass(frozen=True)
class Columns:
    """Columns that are ready for the screen.

    Arguments:
        units: The columns.
        rows: The number of rows of the data.
        skipped: The columns that are left out.
        missing: How many values each column lacks, if it lacks any.
    """

    units: tuple[Unit, ...]
    rows: int
    skipped: tuple[Skipped, ...] = ()
    missing: Mapping[str, int] | None = None


def coded_columns(
    table: Table, names: Sequence[str], config: CleaningConfig, *, columns: Sequence[str] = (), seed: int = 0
) -> Columns:
    """Return each column by itself as ranks or codes; one that cannot be used is left out with the reason.

    Arguments:
        table: At least the columns in `names`, all of one length.
        names: The columns to use.
        config: Which columns are discrete or continuous by decision of the user, and what missing values mean.
        columns: All columns there are, which the selectors of `config` refer to; `names` by default.
        seed: The seed of the order of ties.

    Raises:
        DataError: If values are missing, and `config` says that this is an error.

    Example:
        >>> table = {"a": np.array([0.3, 0.1, 0.2, 0.5, 0.4]), "b": np.ones(5)}
        >>> found = coded_columns(table, ["a", "b"], CleaningConfig())
        >>> found.units[0].codes.tolist(), found.skipped
        ([2, 0, 1, 4, 3], (Skipped(column='b', reason='constant: nothing can depend on it'),))
    """
    forced = forced_kinds(names, columns or names, config)
    units: list[Unit] = []
    skipped: list[Skipped] = []
    missing: dict[str, int] = {}
    seen: dict[bytes, str] = {}
    for place, name in enumerate(names):
        try:
            coded, lacking = column_alone(name, table[name], forced.get(name))
        except DataError as error:
            skipped.append(Skipped(name, _reason(str(error), name)))
            continue
        rows = len(lacking)
        if rows - int(lacking.sum()) < FEWEST_ROWS:
            skipped.append(Skipped(name, f"fewer than {FEWEST_ROWS} values"))
            continue
        twin = seen.setdefault(_digest(coded.values, lacking, coded.levels), name)
        if twin != name:
            skipped.append(Skipped(name, f"duplicate: equal to '{printable(twin)}' in every row"))
            continue
        if lacking.any():
            missing[name] = int(lacking.sum())
        units.append(_unit(name, coded.values, len(coded.levels or ()), lacking, [seed, place]))
    if missing and config.missing == "error":
        told = ", ".join(f"'{printable(name)}' {count}" for name, count in list(missing.items())[:8])
        raise DataError(f"values are missing ({told}); pass --missing drop to use the rows that each pair has.")
    return Columns(tuple(units), len(table[names[0]]), tuple(skipped), missing)


def _unit(name: str, values: Floats, levels: int, lacking: NDArray[np.bool_], seed: list[int]) -> Unit:
    present = ~lacking if lacking.any() else None
    if levels:
        return Unit(name, values.astype(np.int64), levels, present)
    ordered = np.where(lacking, np.inf, values)
    return Unit(name, random_ranks(ordered, np.random.default_rng(seed)), 0, present)


def _digest(values: Floats, lacking: NDArray[np.bool_], levels: Sequence[str] | None) -> bytes:
    """Return what tells the content of a column from that of others."""
    digest = hashlib.blake2b((values + 0.0).tobytes(), digest_size=16)
    digest.update(lacking.tobytes())
    digest.update(repr(levels).encode())
    return digest.digest()


def _reason(sentence: str, name: str) -> str:
    """Return the reason in a message about a column, without its name and advice.

    Example:
        >>> _reason("column 'a' is constant: nothing can depend on it.", "a")
        'constant: nothing can depend on it'
    """
    told = sentence.removeprefix(f"column '{printable(name)}' ").rstrip(".")
    told, _, advice = told.partition("; ")
    for verb in ("is ", "has "):
        told = told.removeprefix(verb)
    return f"free text or an identifier: {told}" if advice.startswith("leave it out, it looks like") else told


def patterns(units: Sequence[Unit]) -> Iterator[tuple[NDArray[np.bool_] | None, Ints]]:
    """Yield each pattern of missing values, and the places of the columns that have it."""
    by_pattern: dict[bytes, list[int]] = {}
    for place, unit in enumerate(units):
        by_pattern.setdefault(b"" if unit.present is None else unit.present.tobytes(), []).append(place)
    for places in by_pattern.values():
        yield units[places[0]].present, np.array(places)
