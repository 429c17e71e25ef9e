r"""Random tables with known mutual information: what `random:SEED:N` stands for in a benchmark.

A table has one or more parts, independent of each other, whose informations add up. What is done to them after that
leaves the information as it is: columns of noise and noisy copies of columns of the same side, rotations, monotone
maps of columns, another order of columns, x and y swapped. In a sixth of the tables y is drawn apart from x, so that
the information is 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np

from mistcli.benchmark.parts import Part
from mistcli.benchmark.problem import Kind, Pair, Problem
from mistcli.benchmark.random_classes import class_columns, constellation, logistic
from mistcli.benchmark.random_copulas import (
    categorised,
    censored,
    copula,
    factors,
    linear_channel,
    rounded_pair,
    student_factors,
)
from mistcli.benchmark.random_counts import counts, hurdle, shared_counts, shared_zeros
from mistcli.benchmark.random_levels import contingency, hidden_classes, noisy_function
from mistcli.benchmark.random_noise import additive, mixture, multiplicative, ring
from mistcli.benchmark.random_sides import MOST_COLUMNS, Side, random_side

__all__ = ["FAMILIES", "RandomTask", "named_task", "random_task", "random_tasks"]

Make: TypeAlias = Callable[[np.random.Generator], Part]

FAMILIES: tuple[tuple[Make, float], ...] = (
    (copula, 3),
    (factors, 3),
    (student_factors, 2),
    (linear_channel, 2),
    (additive, 5),
    (multiplicative, 2),
    (mixture, 3),
    (ring, 1),
    (contingency, 4),
    (hidden_classes, 2),
    (noisy_function, 2),
    (class_columns, 6),
    (logistic, 4),
    (constellation, 1),
    (rounded_pair, 3),
    (censored, 2),
    (categorised, 2),
    (shared_zeros, 2),
    (hurdle, 2),
    (counts, 3),
    (shared_counts, 1),
)
"""Each function that makes a part, and how often it is chosen, as a weight."""

INDEPENDENT = 1 / 6
"""The share of tables in which x and y are drawn apart."""

LEAST_ROWS, MOST_ROWS = 30, 20_000
ROWS_A_COLUMN = 5
"""Columns of noise are added up to a fifth of the rows."""

NAME = re.compile(r"random-(\d{1,18})-(\d{1,9})")


@dataclass(frozen=True)
class RandomTask(Problem):
    """A random table; made by `random_task`.

    Arguments:
        family: The families of its parts, joined by " + "; "independent " before them where x and y are independent.
        truth_error: Computes the standard error of the mutual information, in nats.
    """

    family: str = ""
    truth_error: Callable[[], float] = lambda: 0.0

    @cached_property
    def mi_stderr(self) -> float:
        """The standard error of `mi` in nats, below 0.002; 0 where `mi` has a closed form or is found by quadrature."""
        return self.truth_error()


@lru_cache(maxsize=4096)
def random_task(seed: int, index: int) -> RandomTask:
    """Return one random table, the same for the same seed and index.

    Its name is `random-SEED-INDEX`, its rows are between 30 and 20,000, and `mi` has a standard error below 0.002.

    Arguments:
        seed: The seed of a collection of tables. Constants are fitted on 0 to 999, results reported on 10,000 and more.
        index: The place in the collection.

    Example:
        >>> task = random_task(0, 3)
        >>> x, y = task.sample(task.rows, seed=0)
        >>> x.shape == (task.rows, task.x_dim), y.shape == (task.rows, task.y_dim)
        (True, True)

        What estimators are told of columns is `task.discrete`: `mistcli.estimate((x, y), discrete=task.discrete)`.
    """
    rng = np.random.default_rng([seed, index, 0x7AB1E5])
    rows, parts = _rows(rng), _parts(rng)
    rows = max(rows, *(part.least_rows for part in parts))
    independent = bool(rng.uniform() < INDEPENDENT)
    swapped = bool(rng.uniform() < 0.5)
    most = min(MOST_COLUMNS, max(4, rows // ROWS_A_COLUMN))
    sides = [
        random_side(rng, [kind for part in parts for kind in getattr(part, name)], most)
        for name in ("yx" if swapped else "xy")
    ]

    def draw(rng: np.random.Generator, n: int) -> Pair:
        pairs = [part.draw(rng, n) for part in parts]
        others = [part.draw(rng, n) for part in parts] if independent else pairs
        columns = [np.concatenate(side, 1) for side in ([x for x, _ in pairs], [y for _, y in others])]
        x, y = (side.apply(drawn, rng) for side, drawn in zip(sides, columns[:: -1 if swapped else 1], strict=True))
        return x, y

    families = " + ".join(part.family for part in parts)
    return RandomTask(
        name=f"random-{seed}-{index}",
        summary="; ".join([part.summary for part in parts] + [side.summary for side in sides if side.summary]),
        x_dim=len(sides[0].kinds),
        y_dim=len(sides[1].kinds),
        draw=draw,
        truth=lambda: 0.0 if independent else math.fsum(part.truth[0] for part in parts),
        x_kind=_kind(sides[0]),
        y_kind=_kind(sides[1]),
        suite="random",
        rows=rows,
        x_discrete=_levels(sides[0]),
        y_discrete=_levels(sides[1]),
        family=f"independent {families}" if independent else families,
        truth_error=lambda: 0.0 if independent else math.hypot(*(part.truth[1] for part in parts)),
    )


def named_task(name: str) -> RandomTask | None:
    """Return the random table of this name, `random-SEED-INDEX`; None where it is not such a name."""
    found = NAME.fullmatch(name)
    return random_task(int(found[1]), int(found[2])) if found else None


def random_tasks(seed: int, count: int) -> list[RandomTask]:
    """Return the first tables of a collection."""
    return [random_task(seed, index) for index in range(count)]


def _rows(rng: np.random.Generator) -> int:
    """Return a number of rows: log-uniform from 30 to 2,500 in two of three tables, from 30 to 20,000 in the others."""
    most = 2500 if rng.uniform() < 2 / 3 else MOST_ROWS
    return round(float(np.exp(rng.uniform(math.log(LEAST_ROWS), math.log(most)))))


def _parts(rng: np.random.Generator) -> list[Part]:
    """Return one part in six of seven tables, 2 to 4 in the others."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.86, 0.09, 0.03, 0.02]))
    weights = np.array([weight for _, weight in FAMILIES], dtype=float)
    chosen = rng.choice(len(FAMILIES), count, p=weights / weights.sum())
    return [FAMILIES[k][0](rng) for k in chosen]


def _kind(side: Side) -> Kind:
    found = {"discrete" if kind == "levels" else "continuous" for kind in side.kinds}
    return found.pop() if len(found) == 1 else "mixed"  # type: ignore[return-value]


def _levels(side: Side) -> tuple[int, ...]:
    return tuple(k for k, kind in enumerate(side.kinds) if kind == "levels")
