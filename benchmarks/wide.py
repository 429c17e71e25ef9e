"""Wide sides with a known mutual information: the table in docs/performance.md.

Run it as `python benchmarks/wide.py STRUCTURED [CASE ...]`, where STRUCTURED is a folder with `make.py`, which draws
tasks after Lee and Rhee (2024), and its data. Cases are `text`, `patches` and `permuted`; all by default. For each task
it prints the truth, the estimate of `auto` with half of its 95 % interval, and the seconds by the clock.

For sentences the truth lies between the two numbers: that of labels that are seen with errors, and that of labels.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import mistcli

SEED = 71
"""None of the seeds by which constants of `mistcli.auto` were chosen."""

ROWS, SENTENCES = 10_000, 5_000
PATCHES = (9, 25, 49, 100)
BITS = float(np.log(2))


def tasks(make, cases):
    """Yield the name of each task, its sides, and the truth in words."""
    if "text" in cases:
        for flip, sentences in ((0.0, 1), (0.1, 1), (0.05, 2)):
            x, y, truth = make.text(SENTENCES, flip, sentences, SEED + sentences)
            low, high = truth["labels_seen_with_errors"], truth["labels"]
            yield f"{sentences} x {flip:.2f} sentences", x, y, f"{low:.3f} to {high:.3f}"
    for m in PATCHES:
        if {"patches", "permuted"} & set(cases):
            x, y, _ = make.patches(ROWS, m, SEED + m)
            if "patches" in cases:
                yield f"{m} patches", x, y, f"{BITS:.3f}"
            if "permuted" in cases:
                yield f"{m} patches, permuted", x, y[np.random.default_rng(SEED).permutation(ROWS)], "0"


def main(folder, *cases):
    """Print a row of the table for each task."""
    spec = importlib.util.spec_from_file_location("make", Path(folder) / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    print("| task | columns a side | truth in nats | `auto` | in bits | seconds |\n|---|---|---|---|---|---|")
    for name, x, y, truth in tasks(make, cases or ("text", "patches", "permuted")):
        started = perf_counter()
        found = mistcli.estimate((x, y), seed=SEED)
        half = (found.interval.high - found.interval.low) / 2
        seconds = perf_counter() - started
        print(
            f"| {name} | {x.shape[1]} | {truth} | {found.nats:.3f} ± {half:.3f} | {found.nats / BITS:.2f} "
            f"| {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
