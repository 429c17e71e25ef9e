"""What is done to a side of a random table without a change of the mutual information."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from mistcli.benchmark.parts import ColumnKind
from mistcli.benchmark.problem import Array

__all__ = ["MOST_COLUMNS", "Side", "random_side"]

Floats: TypeAlias = NDArray[np.float64]
Step: TypeAlias = Callable[[Array, np.random.Generator], Array]

MOST_COLUMNS = 60
"""The most columns a side may have."""

MAPS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "exp": lambda z: np.exp(np.minimum(z, 20)) * (1 + np.maximum(z - 20, 0)),
        "cube": lambda z: z**3,
        "sinh": lambda z: np.sinh(np.clip(z, -20, 20)) + 1e9 * (z - np.clip(z, -20, 20)),
        "negative": lambda z: -z,
        "thousands": lambda z: 1000 * z + 5000,
        "thousandths": lambda z: z / 1000,
    }
)
"""Increasing or decreasing maps of a column with spread about 1; exp and sinh go on as lines beyond 20."""

NOISE: Mapping[str, Callable[[np.random.Generator, int], Array]] = MappingProxyType(
    {
        "normal": lambda rng, n: rng.standard_normal(n),
        "uniform": lambda rng, n: rng.uniform(size=n),
        "heavy-tailed": lambda rng, n: rng.standard_t(2, n),
        "skewed": lambda rng, n: rng.exponential(size=n),
        "levels": lambda rng, n: rng.integers(4, size=n),
        "rounded": lambda rng, n: np.round(rng.standard_normal(n), 1),
    }
)
"""Distributions of columns that have to do with nothing."""


@dataclass(frozen=True)
class Side:
    """The steps that make one side of a table of the columns of its parts.

    Arguments:
        kinds: The kind of each column that results.
        summary: The steps in words; empty where nothing is done.
        steps: The steps, in order.
    """

    kinds: tuple[ColumnKind, ...]
    summary: str
    steps: tuple[Step, ...]

    def apply(self, columns: Array, rng: np.random.Generator) -> Array:
        """Return the columns of the table, (n, d) -> (n, d'), whole numbers where all of them are levels."""
        for step in self.steps:
            columns = step(columns, rng)
        discrete = all(kind == "levels" for kind in self.kinds)
        return columns.astype(np.int64 if discrete else np.float64)


def random_side(rng: np.random.Generator, kinds: Sequence[ColumnKind], most: int = MOST_COLUMNS) -> Side:
    """Return steps for columns of these kinds, chosen at random, that add columns up to a number of `most`."""
    kinds = list(kinds)
    steps: list[Step] = []
    said: list[str] = []
    for choose in (_redundant, _rotated, _noise, _mapped):
        chosen = choose(rng, kinds, most)
        if chosen is not None:
            step, words = chosen
            steps.append(step)
            said.append(words)
    order = rng.permutation(len(kinds))
    steps.append(lambda columns, rng: columns[:, order])
    return Side(tuple(kinds[k] for k in order), ", ".join(said), tuple(steps))


def _redundant(rng: np.random.Generator, kinds: list[ColumnKind], most: int) -> tuple[Step, str] | None:
    """Add noisy copies of continuous columns: given these, they have to do with nothing else."""
    sources = [k for k, kind in enumerate(kinds) if kind == "continuous"]
    count = _count(rng, 0.15, most - len(kinds))
    if not sources or not count:
        return None
    copied = rng.choice(sources, count)
    noise = np.exp(rng.uniform(math.log(0.2), math.log(2), count))
    kinds.extend(["continuous"] * count)

    def step(columns: Array, rng: np.random.Generator) -> Array:
        copies = columns[:, copied] + noise * rng.standard_normal((len(columns), count))
        return np.concatenate([columns, copies], 1)

    return step, f"{count} noisy copies"


def _rotated(rng: np.random.Generator, kinds: list[ColumnKind], _most: int) -> tuple[Step, str] | None:
    """Rotate the continuous columns."""
    places = [k for k, kind in enumerate(kinds) if kind == "continuous"]
    if len(places) < 2 or rng.uniform() > 0.2:
        return None
    q, r = np.linalg.qr(rng.standard_normal((len(places), len(places))))
    turn = q * np.sign(np.diag(r))

    def step(columns: Array, rng: np.random.Generator) -> Array:
        columns = columns.astype(float)
        columns[:, places] = columns[:, places] @ turn
        return columns

    return step, f"{len(places)} columns rotated"


def _noise(rng: np.random.Generator, kinds: list[ColumnKind], most: int) -> tuple[Step, str] | None:
    """Add columns of noise; most often none."""
    count = _count(rng, 0.25, most - len(kinds))
    if not count:
        return None
    discrete = all(kind == "levels" for kind in kinds)
    names = ["levels"] * count if discrete else [str(name) for name in rng.choice(list(NOISE), count)]
    known: dict[str, ColumnKind] = {"levels": "levels", "rounded": "atoms"}
    kinds.extend(known.get(name, "continuous") for name in names)

    def step(columns: Array, rng: np.random.Generator) -> Array:
        return np.concatenate([columns, np.stack([NOISE[name](rng, len(columns)) for name in names], 1)], 1)

    return step, f"{count} columns of noise"


def _mapped(rng: np.random.Generator, kinds: list[ColumnKind], _most: int) -> tuple[Step, str] | None:
    """Map columns that are not levels by monotone functions, or continuous ones to their ranks."""
    if rng.uniform() < 0.5:
        return None
    chosen: dict[int, str] = {}
    for k, kind in enumerate(kinds):
        names = {"continuous": [*MAPS, "ranks"], "atoms": list(MAPS), "levels": []}[kind]
        if names and rng.uniform() < 0.6:
            chosen[k] = str(rng.choice(names))
    if not chosen:
        return None

    def step(columns: Array, rng: np.random.Generator) -> Array:
        columns = columns.astype(float)
        for k, name in chosen.items():
            columns[:, k] = rankdata(columns[:, k]) if name == "ranks" else MAPS[name](columns[:, k])
        return columns

    return step, "maps: " + ", ".join(sorted(set(chosen.values())))


def _count(rng: np.random.Generator, share: float, room: int) -> int:
    """Return how many columns to add: some in this share of cases, few more often than many."""
    if rng.uniform() > share or room < 1:
        return 0
    return int(np.exp(rng.uniform(0, math.log(room + 0.99))))
