"""How far `auto` is off, where the truth is known: the tables of docs/accuracy.md.

Run it as `python benchmarks/accuracy.py PART ... --out DIR`, with parts among "tasks", "further", "null" and "titanic"
(all by default). Every fit is kept in DIR as it ends, so that a run that was stopped goes on where it was. Fits run in
this process, one after the other, with as many threads as torch takes; so their seconds are those of a user.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from pathlib import Path

import numpy as np

import mistcli
from mistcli.benchmark import Line, Plan, Row, leaderboard, run
from mistcli.persistence.result_store import Store
from mistcli.plugin.registry import Registry

ROOT = Path(__file__).parent.parent
LEVEL = 0.9
TITANIC = {("status", "survived", ""): 0.0411, ("sex", "survived", ""): 0.0987, ("status", "survived", "sex"): 0.0389}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["tasks", "further", "null", "titanic"])
    parser.add_argument("--out", type=Path, default=ROOT / ".accuracy")
    parser.add_argument("--estimators", default="auto")
    parser.add_argument("--n", default="10000,5000,1000")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sets", type=int, default=400)
    asked = parser.parse_args()
    for part in asked.parts:
        {"tasks": tasks, "further": further, "null": null, "titanic": titanic}[part](asked)


def tasks(asked: argparse.Namespace) -> None:
    for n in map(int, asked.n.split(",")):
        table("40 tasks of Beyond Normal", benchmark(asked, "beyond-normal", n))


def further(asked: argparse.Namespace) -> None:
    for n in map(int, asked.n.split(",")):
        rows = benchmark(asked, "further", n)
        table("further families", rows)
        worst = sorted(rows, key=lambda row: -abs((math.inf if row.mi is None else row.mi) - row.true))[:10]
        for row in worst:
            found = row.error or f"{row.mi:6.3f} ± {row.stderr:.3f}"
            print(f"  {row.task:32} true {row.true:6.3f}  found {found}")


def benchmark(asked: argparse.Namespace, suite: str, n: int) -> list[Row]:
    plan = Plan(tuple(asked.estimators.split(",")), suite, (n,), asked.seeds, LEVEL)
    asked.out.mkdir(exist_ok=True)
    kept = asked.out / f"{suite}-{n}"
    store = Store.open(kept) if kept.exists() else Store.create(kept, "bench", dataclasses.asdict(plan))
    return run(plan, Registry.from_environment(), store=store, told=lambda *_: print(".", end="", file=sys.stderr))


def table(title: str, rows: list[Row]) -> None:
    print(f"\n{title}; intervals of {LEVEL:.0%}: {', '.join(field.name for field in dataclasses.fields(Line))}")
    for line in leaderboard(rows):
        numbers = dataclasses.astuple(line)
        print(" ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in numbers), flush=True)


def null(asked: argparse.Namespace) -> None:
    """Count false positives on independent data of mixed kinds, of 100 to 1,000 rows."""
    small = 0
    for seed in range(asked.sets):
        rng = np.random.default_rng([9, seed])
        n, kind = (100, 300, 1000)[seed % 3], seed % 4
        x, y = rng.standard_normal((2, n, 1 + seed % 2))
        if kind == 1:
            x, y = np.round(x), np.round(2 * y) / 2
        elif kind == 2:
            x, y = np.sinh(2 * x), rng.integers(0, 3, (n, 1))
        elif kind == 3:
            y = np.exp(y)
        found = mistcli.estimate((x, y), estimator="auto", seed=seed, permutations=99)
        small += found.p_value <= 0.05
    print(f"\np <= 0.05 in {small} of {asked.sets} null data sets: {small / asked.sets:.1%}", flush=True)


def titanic(asked: argparse.Namespace) -> None:
    data = ROOT / "examples" / "titanic.csv"
    print()
    for (x, y, given), expected in TITANIC.items():
        found = mistcli.estimate(data, x=x, y=y, estimator="auto", **({"given": given} if given else {}))
        print(f"{x}, {y}, {given or '-'}: {found.nats:.4f} ± {found.stderr:.4f}, expected {expected:.4f}")


if __name__ == "__main__":
    main()
