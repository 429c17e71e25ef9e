"""What `mist estimate` says where the truth is known, and how long the whole process takes.

Run it as `python benchmarks/estimate.py`. Prints a table; exits with 1 if a target is missed.

- accuracy: 100,000 pairs of a bivariate normal of correlation 0.9 (0.8304 nats), three seeds;
- independence: 10,000 rows of independent columns, every estimator, three seeds;
- speed: 10,000 rows with the defaults of `js`, as a ratio to `python -c "import torch, pandas"`, runs alternating.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

MIST = str(Path(sys.executable).with_name("mist"))
TRUE = -0.5 * math.log(1 - 0.9**2)
TUTORIAL = ["-o", "neg_samples=16", "-o", "hidden_dims=32,32", "--batch-size", "128", "--max-epochs", "5"]
ESTIMATORS = ("js", "nwj", "infonce", "smile", "gaussian", "ksg")


def write(path: Path, n: int, rho: float, seed: int) -> None:
    """Write `n` pairs of a bivariate normal of correlation `rho`."""
    x, noise = np.random.default_rng(seed).standard_normal((2, n))
    table = np.column_stack([x, rho * x + math.sqrt(1 - rho * rho) * noise])
    np.savetxt(path, table, fmt="%.8g", delimiter=",", header="f1,f2", comments="")


def estimate(path: Path, *options: str) -> dict:
    """Return what `mist estimate --json` prints, and the seconds of the whole process."""
    start = perf_counter()
    run = subprocess.run(
        [MIST, "estimate", str(path), "--x", "f1", "--y", "f2", "--json", "-q", *options],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(run.stdout) | {"wall": perf_counter() - start}


def check(name: str, found: list[dict], truth: float, allowed: float) -> bool:
    """Print the largest error over the seeds."""
    errors = [one["mi"] - truth for one in found]
    worst = max(map(abs, errors))
    covered = sum(one["interval"]["low"] <= truth <= one["interval"]["high"] for one in found)
    told = " ".join(f"{error:+.4f}" for error in errors)
    wall = statistics.median(one["wall"] for one in found)
    print(f"{name:<24} {told:<26} {allowed:7.3f} {covered}/{len(found):<7} {wall:6.1f} s", flush=True)
    return worst <= allowed


def accuracy(folder: Path) -> bool:
    """Measure the errors on dependent and on independent columns."""
    print(f"{'case':<24} {'errors of three seeds':<26} {'allowed':>7} {'covered':<9} {'median':>8}")
    passed = True
    for seed in range(3):
        write(folder / f"dependent{seed}.csv", 100_000, 0.9, seed)
        write(folder / f"independent{seed}.csv", 10_000, 0.0, 100 + seed)
    for name, options, allowed in (("js", TUTORIAL, 0.02), ("gaussian", (), 0.015), ("ksg", (), 0.015)):
        found = [
            estimate(folder / f"dependent{s}.csv", "--estimator", name, "--seed", str(s), *options) for s in range(3)
        ]
        passed &= check(f"{name}, correlation 0.9", found, TRUE, allowed)
    for name in ESTIMATORS:
        found = [estimate(folder / f"independent{s}.csv", "--estimator", name, "--seed", str(s)) for s in range(3)]
        passed &= check(f"{name}, independent", found, 0.0, 0.02)
    return passed


def speed(folder: Path, repeats: int) -> bool:
    """Measure the whole process against the imports it cannot do without."""
    write(folder / "speed.csv", 10_000, 0.9, 0)
    ratios = []
    for _ in range(repeats + 1):
        start = perf_counter()
        subprocess.run([sys.executable, "-c", "import torch, pandas"], check=True)
        imports = perf_counter() - start
        ratios.append(estimate(folder / "speed.csv", "--estimator", "js")["wall"] / imports)
    told = f"{min(ratios[1:]):.2f} to {max(ratios[1:]):.2f}"
    print(f"\njs, 10,000 rows, as a ratio to importing torch and pandas: {statistics.median(ratios[1:]):.2f} ({told})")
    return statistics.median(ratios[1:]) <= 2.0


def main(repeats: int = 7) -> int:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fast, right = speed(folder, repeats), accuracy(folder)
    return int(not (fast and right))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
