"""Lags of a time series: which are asked for, and which rows are partners at each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import ConfigError, DataError

__all__ = ["Aligned", "align", "lags_of"]

Rows = NDArray[np.int64]
TERM = re.compile(r"([+-]?\d{1,12})(?::([+-]?\d{1,12}))?(?::([+-]?\d{1,12}))?")
MOST = 10_000


def lags_of(asked: str | Iterable[Any]) -> tuple[int, ...]:
    """Return the lags that are asked for, each once, in order.

    Arguments:
        asked: A comma list of integers and ranges `FIRST:LAST` or `FIRST:LAST:STEP`, both ends included, or integers.

    Raises:
        ConfigError: If a lag is no integer, there is none, or there are more than 10,000.

    Example:
        >>> lags_of("1:3,10,-2:0")
        (-2, -1, 0, 1, 2, 3, 10)
    """
    if not isinstance(asked, Iterable):
        raise ConfigError(f"expected lags as text or as integers, such as '1:50' or range(1, 51); got {asked!r:.80}.")
    found = _parsed(asked) if isinstance(asked, str) else [_whole(lag) for lag in islice(asked, MOST + 1)]
    if not found:
        raise ConfigError("expected at least one lag; got none: say --lags 1:50, for example.")
    if len(found) > MOST:
        raise ConfigError(f"expected at most {MOST:,} lags; got more: take steps, as in 1:50000:100.")
    return tuple(sorted(set(found)))


@dataclass(frozen=True)
class Aligned:
    """The partners at each lag: the same rows of x for all of them.

    Arguments:
        time: The positions in the data of the rows of x, (N,), increasing.
        x: The places of those rows among the rows that are left, (N,).
        y: For each lag the places of their partners, (N,).
        span: How far apart in time the first and last row are that one moment and its partners need.
    """

    time: Rows
    x: Rows
    y: Sequence[Rows]
    span: int


def align(rows: Rows, length: int, lags: Sequence[int]) -> Aligned:
    """Pair x at each time with y `lag` steps later, for those times that have a partner at every lag.

    Arguments:
        rows: The positions of the rows that lack nothing, (N,), increasing.
        length: The number of rows of the series.
        lags: The lags; y comes later where one is positive, and earlier where it is negative.

    Raises:
        DataError: If a lag is as long as the series, or no time has all its partners.

    Example:
        >>> aligned = align(np.arange(6), 6, [-1, 2])
        >>> aligned.time.tolist(), [y.tolist() for y in aligned.y]
        ([1, 2, 3], [[0, 1, 2], [3, 4, 5]])
    """
    longest = max(lags, key=abs)
    if abs(longest) >= length:
        raise DataError(f"expected lags shorter than the series; got a lag of {longest} for {length} rows.")
    first, last = min(0, *lags), max(0, *lags)
    place = np.full(length, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    time = np.arange(-first, length - last)
    whole = place[time] >= 0
    for lag in lags:
        whole &= place[time + lag] >= 0
    time = time[whole]
    if not len(time):
        raise DataError(
            f"no row of the series has a partner without gaps at all {len(lags)} lags from {lags[0]} to {lags[-1]}: "
            "ask for fewer or smaller lags, or fill the gaps."
        )
    return Aligned(time, place[time], [place[time + lag] for lag in lags], last - first)


def _parsed(asked: str) -> list[int]:
    found: list[int] = []
    for term in filter(None, (part.strip() for part in asked.split(","))):
        match = TERM.fullmatch(term)
        if match is None:
            raise ConfigError(f"expected lags as whole numbers or ranges, such as 1:50 or 1,2,5; got {term!r}.")
        first, last, step = (None if group is None else int(group) for group in match.groups())
        found.extend(_range(term, first or 0, first if last is None else last, 1 if step is None else step))
    return found


def _range(term: str, first: int, last: int | None, step: int) -> range:
    end = first if last is None else last
    if step < 1 or end < first:
        raise ConfigError(f"expected a range of lags that rises, FIRST:LAST or FIRST:LAST:STEP; got {term!r}.")
    if (end - first) // step >= MOST:
        raise ConfigError(f"expected at most {MOST:,} lags; {term!r} has more: take steps, as in 1:50000:100.")
    return range(first, end + 1, step)


def _whole(lag: Any) -> int:
    if isinstance(lag, bool) or not isinstance(lag, int | np.integer):
        raise ConfigError(f"expected lags as whole numbers of rows; got {lag!r}.")
    return int(lag)
