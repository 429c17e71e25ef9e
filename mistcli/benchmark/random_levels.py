"""Random tables of levels: contingency tables, several discrete columns, and noisy functions of them."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.benchmark.parts import ColumnKind, Part, channel_information, exact, part
from mistcli.benchmark.problem import Draw, Pair
from mistcli.benchmark.quadrature import latent_information, table_information

__all__ = ["contingency", "hidden_classes", "noisy_function"]

Floats: TypeAlias = NDArray[np.float64]

MOST_CELLS = 1024
"""The most combinations of levels a side may have, so that all can be listed."""


def contingency(rng: np.random.Generator) -> Part:
    r"""Return two columns of 2 to 100 levels, whose joint probabilities are drawn at random.

    .. math:: I = \sum_{ab} p_{ab} \log \frac{p_{ab}}{p_a p_b}
    """
    a, b = (int(np.exp(rng.uniform(math.log(2), math.log(100.99)))) for _ in "xy")
    x, y = _shares(rng, a), _shares(rng, b)
    form = str(rng.choice(["free", "channel", "low rank"]))
    if form == "free":
        concentration = float(np.exp(rng.uniform(math.log(0.1), math.log(30))))
        joint = np.outer(x, y) * rng.gamma(concentration, 1, (a, b))
    elif form == "channel":
        kept = rng.uniform(0.02, 0.95)
        joint = (1 - kept) * np.outer(x, y)
        joint[np.arange(a), rng.integers(b, size=a)] += kept * x
    else:
        k = int(rng.integers(2, 5))
        joint = (rng.dirichlet(np.full(a, 0.7), k).T * rng.dirichlet(np.full(k, 3.0))) @ rng.dirichlet(
            np.full(b, 0.7), k
        )
    joint = joint / joint.sum()
    summary = f"{a} levels and {b} levels, {form} table"
    return part(
        "contingency",
        summary,
        _table_draw(joint),
        lambda: exact(table_information(joint)),
        *_levels(1, 1),
        levels=max(a, b),
    )


def hidden_classes(rng: np.random.Generator) -> Part:
    r"""Return several discrete columns a side that are independent given a hidden class.

    .. math:: p(x, y) = \sum_k w_k \prod_i p_{ik}(x_i) \prod_j q_{jk}(y_j)
    """
    k = int(rng.integers(2, 5))
    weights = rng.dirichlet(np.full(k, 3.0))
    concentration = float(np.exp(rng.uniform(math.log(0.3), math.log(6))))
    sides = [[rng.dirichlet(np.full(m, concentration), k) for m in _level_counts(rng)] for _ in "xy"]

    def draw(rng: np.random.Generator, n: int) -> Pair:
        hidden = rng.choice(k, n, p=weights)
        x, y = (np.stack([_choices(rng, column[hidden]) for column in side], 1).astype(np.int64) for side in sides)
        return x, y

    def compute() -> tuple[float, float]:
        x, y = (_combinations(side) for side in sides)
        return exact(latent_information(weights, x, y, np.ones(x.shape[1]), np.ones(y.shape[1])))

    dims = [len(side) for side in sides]
    summary = f"{dims[0]} and {dims[1]} discrete columns, {k} hidden classes"
    return part("hidden classes", summary, draw, compute, *_levels(*dims))


def noisy_function(rng: np.random.Generator) -> Part:
    """Return 2 to 6 columns of 2 or 3 levels, and a function of them, such as parity, with random errors."""
    dim, m = int(rng.integers(2, 7)), int(rng.choice([2, 3], p=[0.8, 0.2]))
    shares = [rng.dirichlet(np.full(m, 4.0)) for _ in range(dim)]
    cells = np.stack(np.unravel_index(np.arange(m**dim), (m,) * dim), 1)
    form = str(rng.choice(["parity", "sum", "majority", "random"]))
    if form == "parity":
        value = cells[:, : int(rng.integers(2, min(dim, 3) + 1))].sum(1) % m
    elif form == "sum":
        value = cells.sum(1)
    elif form == "majority":
        value = (2 * cells.sum(1) > dim * (m - 1)).astype(np.int64)
    else:
        value = rng.integers(int(rng.integers(2, 5)), size=len(cells))
    levels = int(value.max()) + 1
    errors = float(rng.uniform(0.02, 0.8))
    channel = np.full((levels, levels), errors / levels) + (1 - errors) * np.eye(levels)
    weights = _combinations([share[None] for share in shares])[0]

    def draw(rng: np.random.Generator, n: int) -> Pair:
        cell = rng.choice(len(cells), n, p=weights)
        return cells[cell], _choices(rng, channel[value[cell]])[:, None]

    summary = f"{form} of {dim} columns of {m} levels, {errors:.0%} at random"
    return part(
        "function",
        summary,
        draw,
        lambda: exact(channel_information(weights, channel[value])),
        *_levels(dim, 1),
        levels=levels,
    )


def _levels(x_dim: int, y_dim: int) -> tuple[tuple[ColumnKind, int], tuple[ColumnKind, int]]:
    return ("levels", x_dim), ("levels", y_dim)


def _shares(rng: np.random.Generator, levels: int) -> Floats:
    """Return the probabilities of levels: even, random, or falling as 1 / rank."""
    form = rng.integers(3)
    if form == 0:
        return np.full(levels, 1 / levels)
    if form == 1:
        return rng.dirichlet(np.full(levels, 2.0))
    weights = 1 / np.arange(1, levels + 1)
    return np.asarray(rng.permutation(weights / weights.sum()))


def _table_draw(joint: Floats) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Pair:
        cell = rng.choice(joint.size, (n, 1), p=joint.ravel())
        return cell // joint.shape[1], cell % joint.shape[1]

    return draw


def _level_counts(rng: np.random.Generator) -> list[int]:
    """Return the numbers of levels of 1 to 8 columns, with at most 1,024 combinations."""
    counts: list[int] = []
    for _ in range(int(rng.integers(1, 9))):
        m = int(rng.choice([2, 3, 4, 5], p=[0.6, 0.2, 0.1, 0.1]))
        if math.prod(counts) * m <= MOST_CELLS:
            counts.append(m)
    return counts


def _combinations(columns: list[Floats]) -> Floats:
    """Return the probability of each combination of levels, (K, cells), of columns (K, levels) each."""
    cells = np.ones((len(columns[0]), 1))
    for column in columns:
        cells = (cells[:, :, None] * column[:, None]).reshape(len(cells), -1)
    return cells


def _choices(rng: np.random.Generator, shares: Floats) -> NDArray[np.int64]:
    """Draw a level for each row of probabilities, (n, levels) -> (n,)."""
    passed = shares.cumsum(1) < rng.uniform(size=(len(shares), 1))
    return np.asarray(np.minimum(passed.sum(1), shares.shape[1] - 1), dtype=np.int64)
