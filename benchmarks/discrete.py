"""Measure the estimate of `auto` on tables of levels: error, and coverage of its 90 % interval, family by family.

    python benchmarks/discrete.py 10000 200    # seeds 10000 to 10199; the constants were fitted to seeds 0 to 399

Each table has 2 to 60 levels a side, equal, skewed or dominated by one level, and 30 to 5,000 rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mistcli.numerics.contingency import cross_tabulate
from mistcli.numerics.discrete_information import discrete_information

Floats = NDArray[np.float64]
Family = Callable[[np.random.Generator, Floats, Floats], Floats]


def margin(rng: np.random.Generator, levels: int) -> Floats:
    kind = rng.integers(4)
    if kind == 0:
        share = np.ones(levels)
    elif kind == 1:
        share = 1 / np.arange(1, levels + 1) ** rng.uniform(0.5, 1.5)
    elif kind == 2:
        share = rng.dirichlet(np.ones(levels)) + 1e-6
    else:
        share = np.full(levels, 0.1 / (levels - 1))
        share[0] = 0.9
    return share / share.sum()


def dirichlet(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    return rng.gamma(np.exp(rng.uniform(0, np.log(3 * len(p) * len(q)))) * np.outer(p, q)) + 1e-12


def log_linear(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    return np.outer(p, q) * np.exp(rng.uniform(0.1, 1.5) * rng.standard_normal((len(p), len(q))))


def diagonal(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    share = rng.uniform(0.05, 1)
    return share * np.diag(p) + (1 - share) * np.outer(p, p)


def function(rng: np.random.Generator, p: Floats, q: Floats, share: float = 1.0) -> Floats:
    joint = np.zeros((len(p), len(q)))
    joint[np.arange(len(p)), rng.integers(len(q), size=len(p))] = p
    return share * joint + (1 - share) * np.outer(p, q)


def noisy_function(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    return function(rng, p, q, rng.uniform(0.05, 0.95))


def ordinal(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    rho, z = rng.uniform(0.1, 0.97), rng.standard_normal((2, 400_000))
    x, y = ndtr(z[0]), ndtr(rho * z[0] + np.sqrt(1 - rho**2) * z[1])
    cell = np.searchsorted(np.cumsum(p)[:-1], x) * len(q) + np.searchsorted(np.cumsum(q)[:-1], y)
    return np.bincount(cell, minlength=len(p) * len(q)).reshape(len(p), len(q)).astype(float)


def sparse(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    most, joint = min(int(rng.integers(1, 5)), len(q)), np.zeros((len(p), len(q)))
    for row in joint:
        row[rng.choice(len(q), most, replace=False)] = rng.dirichlet(np.ones(most))
    return joint * p[:, None]


def latent(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    share = rng.dirichlet(np.full(int(rng.integers(2, 5)), 2.0))
    x, y = (rng.dirichlet(np.full(len(side), 0.5), len(share)) for side in (p, q))
    return np.einsum("c,ci,cj->ij", share, x, y)


def one_level(rng: np.random.Generator, p: Floats, q: Floats) -> Floats:
    joint, level = np.outer(p, q), rng.integers(len(p))
    joint[level] = p[level] * rng.dirichlet(np.full(len(q), 0.1))
    return joint


FAMILIES: dict[str, Family] = {
    "independent": lambda _, p, q: np.outer(p, q),
    "dirichlet": dirichlet,
    "log-linear": log_linear,
    "diagonal": diagonal,
    "function": function,
    "noisy function": noisy_function,
    "ordinal": ordinal,
    "sparse": sparse,
    "latent class": latent,
    "one level": one_level,
}


def information(joint: Floats) -> float:
    joint = joint / joint.sum()
    product = np.outer(joint.sum(1), joint.sum(0))
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / product[seen])))


def measure(family: Family, seed: int) -> tuple[float, float, bool, bool, float]:
    """Return the error and the absolute error in nats, whether both intervals hold, and the seconds it took."""
    rng = np.random.default_rng([seed, 1])
    p, q = (margin(rng, int(np.exp(rng.uniform(np.log(2), np.log(60))))) for _ in range(2))
    joint = family(rng, p, q)
    cell = rng.choice(joint.size, int(np.exp(rng.uniform(np.log(30), np.log(5000)))), p=joint.ravel() / joint.sum())
    x, y = cell[:, None] // joint.shape[1], cell[:, None] % joint.shape[1]
    start = time.perf_counter()
    found = discrete_information(cross_tabulate(x, y))
    seconds, off = time.perf_counter() - start, found.nats - information(joint)
    return off, abs(off), abs(off) <= 1.645 * found.stderr + 1e-9, abs(off) <= 1.96 * found.stderr + 1e-9, seconds


def main() -> None:
    first, count = int(sys.argv[1]), int(sys.argv[2])
    print(f"{'family':16} {'bias':>7} {'MAE':>7} {'90 %':>6} {'95 %':>6} {'ms':>6}")
    rows = []
    for name, family in FAMILIES.items():
        measured = np.array([measure(family, seed) for seed in range(first, first + count)], dtype=float)
        rows.append(measured)
        print_row(name, measured.mean(0))
    print_row("all", np.concatenate(rows).mean(0))


def print_row(name: str, mean: Floats) -> None:
    print(f"{name:16} {mean[0]:7.3f} {mean[1]:7.3f} {mean[2]:6.3f} {mean[3]:6.3f} {1000 * mean[4]:6.1f}")


if __name__ == "__main__":
    main()
