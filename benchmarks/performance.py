"""Seconds against rows and against columns: the tables of docs/performance.md.

Run it as `python benchmarks/performance.py [PART ...] [--plots FOLDER]`, with parts among "neighbours", "rows" and
"columns" (all by default). Prints Markdown, and with `--plots` also draws `rows.svg` and `columns.svg`, if matplotlib
is installed. Times are the least of some calls in turns, by the clock and, in brackets, of the processor; the first
call of each does not count. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import mistcli

ROWS = (1_000, 10_000, 100_000)
COLUMNS = (1, 3, 10, 30)
ESTIMATORS = ("gaussian", "gaussian_copula", "ksg", "js", "auto")
LARGE = {"js": 20_000, "auto": 20_000}
"""The most rows at which an estimator is run here."""


def pairs(n, d, seed=0):
    """Return two normal sides of d columns; the first of each side have a correlation of 0.9."""
    x, z = np.random.default_rng(seed).standard_normal((2, n, d))
    y = z.copy()
    y[:, 0] = 0.9 * x[:, 0] + math.sqrt(1 - 0.9**2) * z[:, 0]
    return x, y


def timed(calls, repeats):
    """Return the least seconds by the clock and of the processor, and the value, of each of several calls in turns."""
    found = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            wall, processor = perf_counter(), process_time()
            value = call()
            found[name].append((perf_counter() - wall, process_time() - processor, float(value)))
    least = {name: map(min, zip(*(one[:2] for one in many[1:]), strict=True)) for name, many in found.items()}
    return {name: (*times, found[name][0][2]) for name, times in least.items()}


def ours(x, y, name="ksg"):
    return mistcli.estimate((x, y), estimator=name).nats


def kernel(x, y):
    """The estimator alone, without the columns, the error and the interval of `mistcli.estimate`."""
    import torch

    from mistcli.estimators import KSG

    sides = map(torch.from_numpy, (x, y))
    return KSG(k=5).fit_log_ratio(*sides, generator=torch.Generator().manual_seed(0)).mean()


def by_libksg(x, y):
    import libKSG

    return libKSG.KSG().mi(x.T, y.T, k=5) * math.log(2)


def by_sklearn(x, y):
    from sklearn.feature_selection import mutual_info_regression

    return mutual_info_regression(x, y[:, 0], n_neighbors=5, random_state=0)[0]


def neighbours():
    """Compare the nearest-neighbour estimator with its peers on one column a side."""
    peers = {"libKSG": by_libksg, "sklearn": by_sklearn}
    missing = [name for name in peers if importlib.util.find_spec(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not installed, left out\n")
    sides = {"mistcli.estimate": ours, "KSG": kernel, **{n: f for n, f in peers.items() if n not in missing}}
    print(f"| rows | {' | '.join(f'{name}: ms | value' for name in sides)} |")
    print("| ---: " * (1 + 2 * len(sides)) + "|")
    for n in (2_000, 10_000, 100_000):
        x, y = pairs(n, 1)
        found = timed({name: partial(call, x, y) for name, call in sides.items()}, 5)
        cells = [f"{wall * 1e3:.1f} ({cpu * 1e3:.1f}) | {value:.4f}" for wall, cpu, value in found.values()]
        print(f"| {n:,} | {' | '.join(cells)} |", flush=True)


def rows(plots):
    """Measure seconds against rows, one column a side."""
    measured = {n: _row(n, 1, [name for name in ESTIMATORS if n <= LARGE.get(name, n)]) for n in ROWS}
    _table("rows", measured, plots)


def columns(plots):
    """Measure seconds against columns a side, 5,000 rows."""
    measured = {d: _row(5_000, d, ESTIMATORS) for d in COLUMNS}
    _table("columns", measured, plots)


def _row(n, d, names):
    x, y = pairs(n, d)
    return timed({name: partial(ours, x, y, name) for name in names}, 1)


def _table(what, measured, plots):
    print(f"\n| {what} | {' | '.join(ESTIMATORS)} |")
    print("| ---: " * (1 + len(ESTIMATORS)) + "|")
    for size, found in measured.items():
        cells = [f"{found[n][0]:.2f} ({found[n][1]:.2f})" if n in found else "" for n in ESTIMATORS]
        print(f"| {size:,} | {' | '.join(cells)} |", flush=True)
    if plots:
        _draw(what, measured, plots / f"{what}.svg")


def _draw(what, measured, path):
    if importlib.util.find_spec("matplotlib") is None:
        print(f"\nmatplotlib is not installed: {path} is not drawn")
        return
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6, 4), layout="constrained").subplots()
    for name in ESTIMATORS:
        points = [(size, found[name][1]) for size, found in measured.items() if name in found]
        axes.loglog(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xlabel=what, ylabel="processor seconds")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["neighbours", "rows", "columns"])
    parser.add_argument("--plots", type=Path)
    asked = parser.parse_args()
    for part in asked.parts:
        {"neighbours": neighbours, "rows": partial(rows, asked.plots), "columns": partial(columns, asked.plots)}[part]()


if __name__ == "__main__":
    main()
