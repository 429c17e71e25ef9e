"""From columns as they come to two variables without gaps, and a record of what was done to them.

Nothing is dropped or changed silently: every count is in `Cleaning`, and what a reader of the number should
know is said in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import CleaningConfig
from mistcli.data.encoding import Coded, as_continuous, as_discrete, distinct, is_missing, is_text
from mistcli.data.selection import select
from mistcli.errors import ConfigError, DataError
from mistcli.readers.arrays import plain
from mistcli.readers.base import Table
from mistcli.text import listed, printable

__all__ = ["Cleaned", "Cleaning", "Kind", "Variable", "clean", "column_alone", "forced_kinds", "known_values"]

Kind = Literal["continuous", "discrete"]

MOST_LEVELS = 20
MOST_LEVELS_SHARE = 0.05
FEWEST_NUMBERED = 20
MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Variable:
    """One side, ready to be estimated on.

    Arguments:
        names: The names of its columns.
        values: Numbers, and codes 0, 1, ... of levels, (N, D).
        levels: For each column what its codes stand for, in sorted order; None for a continuous column.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    levels: tuple[tuple[str, ...] | None, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Whether each column is continuous or discrete."""
        return tuple("continuous" if levels is None else "discrete" for levels in self.levels)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many levels each column has, 0 for a continuous one."""
        return tuple(len(levels or ()) for levels in self.levels)


@dataclass(frozen=True)
class Cleaning:
    """What was done to rows and columns.

    Arguments:
        rows_read: Rows in the data.
        rows_used: Rows that are left.
        dropped_missing: Rows dropped because a selected column lacks a value there.
        missing_by_column: How many values each column lacks, if it lacks any.
        dropped_columns: Columns left out because they are constant.
        discrete: Columns taken as discrete.
        shifted: Columns of integers beyond 2^53 from which the smallest was subtracted, to keep all apart.
        ties: For each continuous column, the share of rows whose value occurs in another row too.
        duplicate_rows: Rows that equal an earlier row in all selected columns.
        repeated_rows: Those of them that were left out because they cannot be anything but copies.
    """

    rows_read: int
    rows_used: int
    dropped_missing: int = 0
    missing_by_column: Mapping[str, int] = field(default_factory=dict)
    dropped_columns: tuple[str, ...] = ()
    discrete: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    ties: Mapping[str, float] = field(default_factory=dict)
    duplicate_rows: int = 0
    repeated_rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON knows it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Cleaned:
    """Both sides, and how they came about.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        rows: The positions in the data of the rows that are left, (N,).
        cleaning: What was done.
        warnings: What to know about it, in words.
    """

    x: Variable
    y: Variable
    rows: NDArray[np.int64]
    cleaning: Cleaning
    warnings: tuple[str, ...] = ()


def clean(
    table: Table, x: Sequence[str], y: Sequence[str], config: CleaningConfig, *, columns: Sequence[str] = ()
) -> Cleaned:
    """Return x and y without gaps, as numbers and codes of levels.

    Arguments:
        table: At least the columns in `x` and `y`, all of the same length.
        x: The columns of one side.
        y: The columns of the other side.
        config: The policy.
        columns: All columns there are, which selectors in `config` refer to; `x` and `y` by default.

    Raises:
        DataError: If the columns cannot give an estimate.
        ConfigError: If a selector in `config` is not right.
    """
    names = [*x, *y]
    forced = forced_kinds(names, columns or names, config)
    arrays = {name: plain(table[name], name) for name in names}
    rows_read = _rows(arrays)
    missing = _missing(arrays, forced)
    lacking = {name: count for name, mask in missing.items() if (count := int(mask.sum()))}
    keep = ~np.logical_or.reduce(list(missing.values()))
    _check_missing(lacking, keep, config)
    kept = {name: array[keep] for name, array in arrays.items()} if lacking else arrays
    coded = {
        name: _coded(name, values, forced.get(name), was_integer=name in lacking)
        for name, values in kept.items()
        if not _is_constant(values)
    }
    sides = [_variable(side, chosen, coded) for side, chosen in (("x", x), ("y", y))]
    counts = {name: _tie_counts(column.values) for name, column in coded.items() if column.levels is None}
    rows = np.flatnonzero(keep)
    record = Cleaning(
        rows_read=rows_read,
        rows_used=len(rows),
        dropped_missing=rows_read - len(rows),
        missing_by_column=lacking,
        dropped_columns=tuple(name for name in names if name not in coded),
        discrete=tuple(name for name in coded if name not in counts),
        shifted=tuple(name for name, column in coded.items() if column.shifted),
        ties={name: tied / len(rows) for name, (tied, _) in counts.items()},
        duplicate_rows=_duplicates(coded) if all(tied for tied, _ in counts.values()) else 0,
    )
    few = [name for name, (_, different) in counts.items() if different <= _most_levels(len(rows))]
    return Cleaned(sides[0], sides[1], rows, record, tuple(_warnings(record, few)))


def column_alone(name: str, array: NDArray[Any], forced: Kind | None = None) -> tuple[Coded, NDArray[np.bool_]]:
    """Return one column as numbers or codes, and where it lacks a value, each (N,); the numbers there are 0.

    Arguments:
        name: Its name, for messages.
        array: Its values, as a reader returns them, (N,).
        forced: Its kind, where the user has decided it.

    Raises:
        DataError: If it has no values, one value, infinite ones, or looks like an identifier or a free text.

    Example:
        >>> coded, missing = column_alone("a", np.array(["u", None, "v", "u", "v"], dtype=object))
        >>> coded.values.tolist(), coded.levels, missing.tolist()
        ([0.0, 0.0, 1.0, 0.0, 1.0], ('u', 'v'), [False, True, False, False, False])
    """
    values = plain(array, name)
    missing = is_missing(values)
    _check_values(name, values, missing)
    if forced is None:
        _check_identifier(name, values, missing)
    known = values[~missing]
    if _is_constant(known):
        raise DataError(f"column '{printable(name)}' is constant: nothing can depend on it.")
    coded = _coded(name, known, forced, was_integer=bool(missing.any()))
    filled = np.zeros(len(values))
    filled[~missing] = coded.values
    return Coded(filled, coded.levels, coded.shifted), missing


def known_values(
    table: Table, levels: Mapping[str, Sequence[str] | None]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return columns whose kinds and levels are known, as numbers and codes, and the rows that lack no value.

    Arguments:
        table: At least the columns in `levels`.
        levels: The levels of each column, in the order of their codes; None for a continuous one.

    Raises:
        DataError: If a column holds a level that is not known, or is of another kind, or no row is left.

    Example:
        >>> table = {"a": np.array([1.5, np.nan]), "b": np.array(["u", "v"], object)}
        >>> known_values(table, {"a": None, "b": ["u", "v"]})
        (array([[1.5, 0. ]]), array([0]))
    """
    arrays = {name: plain(table[name], name) for name in levels}
    _rows(arrays)
    missing = {name: is_missing(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        _check_values(name, array, missing[name])
    rows = np.flatnonzero(~np.logical_or.reduce(list(missing.values())))
    if not len(rows):
        raise DataError(f"no row has a value in every one of {listed(list(levels))}.")
    columns = [_known(name, arrays[name][rows], known) for name, known in levels.items()]
    return np.column_stack(columns), rows


def _known(name: str, values: NDArray[Any], levels: Sequence[str] | None) -> NDArray[np.float64]:
    """Return the numbers of a continuous column, or the codes of a discrete one."""
    if levels is None:
        if is_text(values):
            raise DataError(f"column '{printable(name)}' holds texts; expected numbers, as when it was fitted to.")
        return as_continuous(values, name).values
    if values.dtype.kind == "f" and _is_integral(values):
        values = values.astype(np.int64)
    coded = as_discrete(values, distinct(values))
    code = {level: float(index) for index, level in enumerate(levels)}
    unknown = [level for level in coded.levels or () if level not in code]
    if unknown:
        raise DataError(
            f"column '{printable(name)}' holds {listed(unknown)}, which the estimator was not fitted to; "
            f"it knows {listed(list(levels))}."
        )
    return np.array([code[level] for level in coded.levels or ()])[coded.values.astype(np.int64)]


def forced_kinds(names: Sequence[str], columns: Sequence[str], config: CleaningConfig) -> dict[str, Kind]:
    """Return those of `names` whose kind the user has decided, by selectors that refer to all `columns`."""
    forced: dict[str, Kind] = {}
    kinds: tuple[tuple[Kind, str], ...] = (("discrete", config.discrete), ("continuous", config.continuous))
    for kind, selector in kinds:
        if not selector:
            continue
        chosen = [name for name in select(columns, selector, side=kind) if name in names]
        if not chosen:
            raise ConfigError(f"{kind}: '{printable(selector)}' matches no column of x or y: {listed(names)}.")
        twice = [name for name in chosen if name in forced]
        if twice:
            raise ConfigError(f"{listed(twice)} cannot be both discrete and continuous; choose one.")
        forced.update(dict.fromkeys(chosen, kind))
    return forced


def _rows(arrays: Mapping[str, NDArray[Any]]) -> int:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"'{printable(name)}' {length}" for name, length in lengths.items())
        raise DataError(f"expected columns of one length; got {told}.")
    rows = next(iter(lengths.values()))
    if rows < 2:
        raise DataError(f"expected at least two rows; got {'one' if rows else 'none'}.")
    return rows


def _missing(arrays: Mapping[str, NDArray[Any]], forced: Mapping[str, Kind]) -> dict[str, NDArray[np.bool_]]:
    """Return where each column lacks a value, (N,); refuse columns that cannot be used."""
    missing = {name: is_missing(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        _check_values(name, array, missing[name])
        if name not in forced:
            _check_identifier(name, array, missing[name])
    return missing


def _check_values(name: str, array: NDArray[Any], missing: NDArray[np.bool_]) -> None:
    if missing.all():
        raise DataError(f"column '{printable(name)}' has no values at all; leave it out.")
    if array.dtype.kind == "f" and (count := int(np.isinf(array).sum())):
        raise DataError(
            f"column '{printable(name)}' holds infinity in {count} of {len(array)} rows; "
            "correct these values, or make them missing."
        )


def _check_identifier(name: str, array: NDArray[Any], missing: NDArray[np.bool_]) -> None:
    """Refuse integers that number the rows."""
    known = array[~missing] if missing.any() else array
    if array.dtype.kind not in "iu" and not (missing.any() and _is_integral(known)):
        return
    low, high = int(known.min()), int(known.max())
    count = len(known)
    if count < FEWEST_NUMBERED or high - low != count - 1 or len(np.unique(known)) != count:
        return
    raise DataError(
        f"column '{printable(name)}' looks like an identifier: it holds each integer from {low} to {high} "
        f"once; leave it out, or pass --continuous '{printable(name)}' if it is a measurement."
    )


def _check_missing(lacking: Mapping[str, int], keep: NDArray[np.bool_], config: CleaningConfig) -> None:
    if not lacking:
        return
    total, dropped = len(keep), int((~keep).sum())
    told = ", ".join(f"'{printable(name)}' {count}" for name, count in lacking.items())
    if config.missing == "error":
        raise DataError(f"{dropped} of {total} rows lack a value ({told}); pass --missing drop to drop these rows.")
    share = dropped / total
    if share > config.max_missing:
        worst = max(lacking, key=lambda name: lacking[name])
        allowed = math.ceil(share * 100) / 100
        raise DataError(
            f"{dropped} of {total} rows lack a value, most in '{printable(worst)}' ({lacking[worst]}); "
            f"leave that column out, or pass --max-missing {allowed:g} to drop these rows."
        )
    if total - dropped < 2:
        raise DataError(f"only {total - dropped} of {total} rows have a value in every column ({told}).")


def _warnings(record: Cleaning, few: Sequence[str]) -> Iterator[str]:
    if record.dropped_missing:
        lacking = sorted(record.missing_by_column.items(), key=lambda item: -item[1])
        told = ", ".join(f"'{printable(name)}' {count}" for name, count in lacking[:8])
        yield f"{record.dropped_missing} of {record.rows_read} rows dropped for missing values ({told})."
    if record.dropped_columns:
        yield f"{listed(record.dropped_columns)} left out: constant in all rows that are used."
    for name in map(printable, few):
        yield f"'{name}' has very few different values; pass --discrete '{name}' if they are categories."


def _is_constant(values: NDArray[Any]) -> bool:
    return bool((values == values[0]).all())


def _is_integral(values: NDArray[Any]) -> bool:
    """Return whether floats are all integers, as those are that came from a column of integers with gaps."""
    return values.dtype.kind == "f" and bool((values == np.floor(values)).all())


def _coded(name: str, values: NDArray[Any], forced: Kind | None, *, was_integer: bool) -> Coded:
    if forced == "continuous" and is_text(values):
        raise DataError(f"column '{printable(name)}' holds texts, and cannot be continuous.")
    if forced == "continuous" or (forced is None and not _looks_discrete(values, was_integer=was_integer)):
        return as_continuous(values, name)
    if values.dtype.kind == "f" and _is_integral(values) and np.abs(values).max() < 2**63:
        values = values.astype(np.int64)
    levels = distinct(values)
    if 2 * len(levels) > len(values):
        advice = "leave it out, it looks like an identifier" if is_text(values) else "take it as continuous"
        raise DataError(
            f"column '{printable(name)}' has {len(levels)} different values in {len(values)} rows, "
            f"too many for a discrete one; {advice}."
        )
    return as_discrete(values, levels)


def _looks_discrete(values: NDArray[Any], *, was_integer: bool) -> bool:
    kind = values.dtype.kind
    if kind == "b" or is_text(values):
        return True
    if kind not in "iu" and not (was_integer and _is_integral(values)):
        return False
    most = _most_levels(len(values))
    # most columns of numbers are told by their first rows, without sorting the others
    return len(np.unique(values[:1000])) <= most and len(np.unique(values)) <= most


def _variable(side: str, names: Sequence[str], coded: Mapping[str, Coded]) -> Variable:
    left = tuple(name for name in names if name in coded)
    if not left:
        raise DataError(f"{side} is constant: {listed(names)} never changes, so nothing can depend on it.")
    values = np.column_stack([coded[name].values for name in left])
    return Variable(left, values, tuple(coded[name].levels for name in left))


def _most_levels(rows: int) -> float:
    return min(MOST_LEVELS, MOST_LEVELS_SHARE * rows)


def _tie_counts(values: NDArray[np.float64]) -> tuple[int, int]:
    """Return how many rows have a value that occurs elsewhere, and how many different values there are."""
    ordered = np.sort(values)
    same = ordered[1:] == ordered[:-1]
    tied = np.append(same, False) | np.insert(same, 0, False)
    return int(tied.sum()), len(values) - int(same.sum())


def _duplicates(coded: Mapping[str, Coded]) -> int:
    """Return how many rows equal an earlier one, told by a hash of 64 bits."""
    keys = np.zeros(len(next(iter(coded.values())).values), dtype=np.uint64)
    for column in coded.values():
        keys ^= (column.values + 0.0).view(np.uint64)  # + 0.0 makes -0.0 equal 0.0
        keys *= MIX
        keys ^= keys >> np.uint64(32)
    return len(keys) - len(np.unique(keys))
