"""All pairs of columns: speed and error beside widestats and scikit-learn, and the share of false discoveries.

    python benchmarks/matrix.py              # speed beside the peers, accuracy and false discoveries
    python benchmarks/matrix.py --tables 20  # fewer tables for the false discoveries

`pip install widestats==0.1.1 scikit-learn` first; a peer that is not installed is left out. Read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import resource
import time
from importlib.util import find_spec

import numpy as np

import mistcli
from mistcli.benchmark import find
from mistcli.matrix.neighbours import continuous_neighbours
from mistcli.matrix.null import permutation_null
from mistcli.matrix.ranks import random_ranks

PAIRS = (
    *("1v1-normal-0.75", "student-identity-1-1-1", "clayton-1v1-0.5", "gumbel-1v1-1.3", "frank-1v1-3"),
    *("ring-1v1-0.4", "heteroscedastic-1v1-wedge", "mixture-three-1v1", "1v1-additive-0.75", "inflated-1v1"),
    *("mixed-1v1-means", "mixed-1v1-scales", "discrete-1v1-2x2", "discrete-1v1-5x8", "rounded-1v1"),
)
"""Families of pairs of columns with known mutual information; pairs of columns of different families have none."""

FACTOR = 0.5
NORMAL, APART = 10, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200, help="Tables for the share of false discoveries.")
    options = parser.parse_args()
    speed(50, 2000)
    speed(1000, 1000)
    neighbours(50, 2000)
    mixed(5)
    discoveries(options.tables)


def speed(columns: int, rows: int) -> None:
    """Screen independent normal columns of which two are correlated, beside widestats and a loop of scikit-learn."""
    rng = np.random.default_rng(columns)
    data = rng.standard_normal((rows, columns))
    data[:, 1] = 0.6 * data[:, 0] + 0.8 * data[:, 1]
    truth = -0.5 * np.log(1 - 0.36)
    table = {f"c{place}": data[:, place] for place in range(columns)}
    mistcli.mi_matrix({name: values[:100] for name, values in list(table.items())[:3]})  # imports
    permutation_null.cache_clear()
    seconds, found = timed(lambda: mistcli.mi_matrix(table))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{columns} columns x {rows} rows, {len(found.mi):,} pairs; true {truth:.3f} for one, 0 for the others")
    error = abs(found.mi[0] - truth), float(np.abs(found.mi[1:]).mean())
    print(f"  mist                {seconds:8.3f} s  error {error[0]:.3f}, of 0 {error[1]:.4f}, {memory:.2f} GB")
    if find_spec("widestats"):
        import widestats

        widestats.mutual_info(data[:100, :5], device="cpu")
        peer, values = timed(lambda: np.log(2) * widestats.mutual_info(data, device="cpu"))
        above = values[np.triu_indices(columns, 1)]
        error = abs(above[0] - truth), float(np.abs(above[1:]).mean())
        print(f"  widestats           {peer:8.3f} s  error {error[0]:.3f}, of 0 {error[1]:.4f}, x{seconds / peer:.1f}")
    if find_spec("sklearn") and columns <= 50:
        from sklearn.feature_selection import mutual_info_regression

        peer, value = timed(lambda: mutual_info_regression(data[:, 1:], data[:, 0], random_state=0))
        whole = peer * columns / 2
        print(f"  scikit-learn, loop  {whole:8.3f} s  error {abs(value[0] - truth):.3f}, of 0 {value[1:].mean():.4f}")


def neighbours(columns: int, rows: int) -> None:
    """Ask nearest neighbours of all pairs."""
    rng = np.random.default_rng(1)
    ranks = [random_ranks(rng.standard_normal(rows), rng) for _ in range(columns)]
    seconds, _ = timed(lambda: [continuous_neighbours(x, y) for i, x in enumerate(ranks) for y in ranks[:i]])
    print(f"\nnearest neighbours of {columns * (columns - 1) // 2:,} pairs, {rows} rows: {seconds:.1f} s")


def mixed(seeds: int) -> None:
    """Estimate a table of 50 columns of many families and kinds, with the defaults."""
    print("\n50 columns of mixed families and kinds, 2,000 rows, defaults")
    for seed in range(seeds):
        table, truth = families(2000, 1000 + seed)
        seconds, found = timed(lambda table=table: mistcli.mi_matrix(table))
        names = found.names
        true = np.array([truth.get((names[i], names[j]), 0.0) for i, j in zip(found.x, found.y, strict=True)])
        error, dependent = np.abs(found.mi - true), true > 0
        held = (found.low <= true) & (true <= found.high)
        print(
            f"  seed {seed}: {seconds:5.1f} s  MAE {error.mean():.4f}, of {dependent.sum()} dependent pairs "
            f"{error[dependent].mean():.4f}; intervals hold {held[dependent].mean():.2f}; "
            f"p <= 0.05 of independent pairs {(found.p_value[~dependent] <= 0.05).mean():.3f}"
        )


def discoveries(tables: int) -> None:
    """Count independent pairs that are called dependent, in tables of many families and kinds."""
    called, false, rates = [], [], []
    for seed in range(tables):
        table, truth = families(500, 5000 + seed)
        found = mistcli.mi_matrix(table)
        names = found.names
        true = np.array([truth.get((names[i], names[j]), 0.0) for i, j in zip(found.x, found.y, strict=True)])
        called.append((found.p_value[true == 0] <= 0.05).mean())
        taken = found.q_value <= 0.05
        false.append((taken & (true == 0)).sum() / max(1, taken.sum()))
        rates.append((true == 0).mean())
    error = np.std(called) / np.sqrt(tables)
    print(
        f"\n{tables} tables of 50 columns, 500 rows; independent pairs p <= 0.05: {np.mean(called):.4f} ± {error:.4f}"
    )
    print(f"false among those with q <= 0.05: {np.mean(false):.4f}, expected {0.05 * np.mean(rates):.4f}")


def families(rows: int, seed: int) -> tuple[dict[str, np.ndarray], dict[tuple[str, str], float]]:
    """Return 50 columns, and the mutual information of the pairs that are not independent."""
    rng = np.random.default_rng(seed)
    table, truth = {}, {}
    problems = {problem.name: problem for problem in find("all")}
    for place, name in enumerate(PAIRS):
        problem = problems[name]
        sides = [np.asarray(side).ravel() for side in problem.sample(rows, seed)]
        for side, values, kind in zip("xy", sides, (problem.x_kind, problem.y_kind), strict=True):
            column = values.astype(int).astype(str).astype(object) if kind == "discrete" else values
            table[f"{place}{side}"] = column
        truth[f"{place}x", f"{place}y"] = problem.mi
    factor = rng.standard_normal(rows)
    for place in range(NORMAL):
        z = np.sqrt(FACTOR) * factor + np.sqrt(1 - FACTOR) * rng.standard_normal(rows)
        table[f"n{place}"] = (z, np.exp(z), z**3, np.arctan(z))[place % 4]
    truth |= {(f"n{i}", f"n{j}"): -0.5 * np.log(1 - FACTOR**2) for i in range(NORMAL) for j in range(i + 1, NORMAL)}
    for place in range(APART):
        kinds = (rng.standard_normal, rng.standard_cauchy, lambda n: rng.choice(list("abc"), n, p=[0.7, 0.2, 0.1]))
        drawn = kinds[place % 3](rows)
        table[f"i{place}"] = drawn.astype(object) if place % 3 == 2 else drawn
    return table, truth


def timed(call):
    """Return how long a call takes, and what it returns."""
    began = time.perf_counter()
    found = call()
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
