"""Our estimators beside those of torch_mist: the same data, networks, densities, batch, negatives and epochs.

Run it as `python benchmarks/parity.py [--peer PYTHON] [--data FOLDER] [--seeds N] [--estimators NAME ...]`, where
PYTHON is the interpreter of an environment with torch_mist 0.2.17 (TORCH_MIST_PYTHON by default; without it there is
nothing to compare with), and FOLDER has a `NAME__0.npz` (x, y) for each task and a `meta.json` of true values; by
default 10,000 pairs of each are drawn as in `mist bench`. It prints the table of docs/parity.md, and exits with 1 if an
error of ours is larger than the peer's by more than two of our standard errors, or we take longer by the clock.

Errors are means over seeds. Each side has one process, which answers one question after the other, in turns with the
other side, after one that does not count, so that whatever else the machine does meets both. Both have one thread,
and neither stops early. Seconds are those of the call alone: by the clock, which only a machine that does nothing else
shows rightly, and of the processor, which other work changes little. Ratios are theirs to ours.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import mean
from time import perf_counter, process_time

TASKS = (
    "1v1-normal-0.75",
    "multinormal-sparse-5-5-2-2.0",
    "student-identity-2-2-1",
    "swissroll_x-normal_cdf-1v1-normal-0.75",
)
NORMAL = 0.5 * math.log(2 * math.pi * math.e)
ENTROPIES = dict(zip(TASKS, (NORMAL, 5 * NORMAL, 4.837877, 0.0), strict=True))

HIDDEN, BATCH, EPOCHS, NEGATIVES, CELLS = [64, 64], 256, 10, 4, 16
SCORES = {"neg_samples": NEGATIVES, "critic": "joint"}
DIAGONAL = {"conditional": "diagonal"}
DENSITIES = {**DIAGONAL, "marginal": "diagonal"}
ESTIMATORS = {
    **dict.fromkeys(("js", "nwj", "infonce", "smile", "mine", "tuba", "alpha_tuba", "flo"), SCORES),
    "ba": DIAGONAL,
    "doe": DENSITIES,
    "gm": {"joint": "maf", "marginal": "diagonal", "transforms": 1},
    "l1out": DIAGONAL,
    "club": DIAGONAL,
    "binned": {"bins": CELLS},
    "pq": {"cells": CELLS},
    "hybrid_pq": {"neg_samples": NEGATIVES, "cells": CELLS},
    "resampled_hybrid": {"neg_samples": NEGATIVES, **DENSITIES},
    "reweighed_hybrid": {"neg_samples": NEGATIVES, **DENSITIES},
}


def ours(name, task, seed, x, y):
    """Return our estimate and its standard error."""
    import mistcli

    training = {"hidden_dims": HIDDEN, "nonlinearity": "relu", "batch_size": BATCH, "max_epochs": EPOCHS, "patience": 0}
    entropy = {"entropy": ENTROPIES[task]} if name == "ba" else {}
    options = {**ESTIMATORS[name], **({} if name == "binned" else training), **entropy}
    found = mistcli.estimate((x, y), estimator=name, seed=seed, **options)
    return found.nats, found.stderr


def peers(name, task, seed, x, y):
    """Return the estimate of torch_mist, which has no error; `fast_train` leaves out its log, and changes no number."""
    import numpy as np
    import torch
    from torch_mist import estimate_mi

    torch.manual_seed(seed)
    np.random.seed(seed)  # the peer draws from the generators of the process
    mi, _ = estimate_mi(
        data=(torch.from_numpy(x).float(), torch.from_numpy(y).float()),
        batch_size=BATCH,
        max_epochs=EPOCHS,
        early_stopping=False,
        fast_train=seed > 0,
        verbose=False,
        **peer_options(name, task, x.shape[1], y.shape[1]),
    )
    return float(mi), 0.0


def peer_options(name, task, x_dim, y_dim):
    """Return what torch_mist calls the same things; its densities are diagonal, or autoregressive, by default."""
    scores = {"hidden_dims": HIDDEN, "neg_samples": NEGATIVES, "critic_type": "joint"}
    if ESTIMATORS[name] is SCORES:
        return {"estimator": name, **scores}
    if name.split("_")[-1] == "hybrid" or name == "hybrid_pq":
        return {"estimator": peer_hybrid(name, x_dim, y_dim, scores)}
    return {
        "estimator": name,
        **({"entropy_y": ENTROPIES[task]} if name == "ba" else {}),
        **({"n_bins": CELLS} if name in ("binned", "pq") else {}),
        **({"hidden_dims": HIDDEN} if name != "binned" else {}),
    }


def peer_hybrid(name, x_dim, y_dim, scores):
    """Make a hybrid of torch_mist, of the parts that ours has by default."""
    factories = importlib.import_module("torch_mist.estimators.factories")
    hybrids = importlib.import_module("torch_mist.estimators.hybrid")
    if name == "hybrid_pq":
        inner = factories.js(x_dim=x_dim, y_dim=y_dim, **scores)
        return factories.hybrid_pq(inner, x_dim, "kmeans", hidden_dims=HIDDEN, n_bins=CELLS)
    hybrid = {
        "resampled_hybrid": hybrids.ResampledHybridMIEstimator,
        "reweighed_hybrid": hybrids.ReweighedHybridMIEstimator,
    }[name]
    return hybrid(
        generative_estimator=factories.doe(x_dim=x_dim, y_dim=y_dim, hidden_dims=HIDDEN),
        discriminative_estimator=factories.smile(x_dim=x_dim, y_dim=y_dim, **scores),
    )


def serve(side, data):
    """Answer questions of the form NAME TASK SEED, one a line."""
    import numpy as np

    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        name, task, seed = line.split()
        with np.load(Path(data) / f"{task}__0.npz") as pair:
            x, y = pair["x"], pair["y"]
        start, clock = process_time(), perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                mi, stderr = side(name, task, int(seed), x, y)
            times = {"seconds": process_time() - start, "wall": perf_counter() - clock}
            answer = {"mi": mi, "stderr": stderr, **times, "failed": ""}
        except Exception as error:  # that a side cannot do it is a result too
            nothing = dict.fromkeys(("mi", "stderr", "seconds", "wall"), math.nan)
            answer = {**nothing, "failed": type(error).__name__}
        print(json.dumps(answer), flush=True)


class Side:
    """A process that answers for one side."""

    def __init__(self, python, side, data):
        command = [python, __file__, f"--serve-{side}", str(data)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, env=environment, cwd="/"
        )

    def ask(self, name, task, seed):
        print(name, task, seed, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def compare(name, task, true, mine, theirs):
    """Print a row of the answers for each seed; return whether our error, our time and our processor time hold."""
    error, other = (mean(abs(one["mi"] - true) for one in side) for side in (mine, theirs))
    stderr = mean(one["stderr"] for one in mine)
    times = [
        (mean(one[key] for one in mine), theirs[0][key], mean(one[key] for one in theirs[1:]))
        for key in ("wall", "seconds")
    ]
    right = math.isfinite(error) and not error > other + 2 * stderr
    held = right, *(not seconds > default for seconds, default, _ in times)
    notes = [word for word, good in zip(("worse", "slower", "more work"), held, strict=True) if not good]
    failed = {one["failed"] for one in (*mine, *theirs)} - {""}
    print(
        f"| {name} | {task} | {true:.3f} | {error:.3f} ± {stderr:.3f} | {other:.3g} "
        + "".join(f"| {one:.1f} | {default:.1f} | {fast:.1f} | {default / one:.1f} " for one, default, fast in times)
        + f"| {'; '.join([*notes, *failed])} |",
        flush=True,
    )
    return held


def drawn(folder):
    """Write a sample of each task into a folder, as in `mist bench`."""
    import numpy as np

    from mistcli.benchmark import problems

    known = problems()
    for name in TASKS:
        x, y = known[name].sample(10_000, 0)
        np.savez(folder / f"{name}__0.npz", x=x, y=y)
    truths = {name: {"mi": known[name].mi} for name in TASKS}
    (folder / "meta.json").write_text(json.dumps(truths))
    return folder


def compare_all(peer, data, names, seeds):
    """Compare all estimators of these names; return 1 if one of ours is worse or slower."""
    truths = {name: task["mi"] for name, task in json.loads((data / "meta.json").read_text()).items()}
    mine, theirs = Side(sys.executable, "ours", data), Side(peer, "peer", data)
    for side in (mine, theirs):
        side.ask("js", TASKS[0], 0)
    times = [f"our {what} | theirs | theirs, `fast_train` | ratio" for what in ("seconds", "processor seconds")]
    print(f"| estimator | task | true | our error ± se | their error | {' | '.join(times)} | note |")
    print(f"{'| --- ' * 14}|")
    held = []
    for name, task in itertools.product(names, TASKS):
        asked = [[side.ask(name, task, seed) for side in (mine, theirs)] for seed in range(seeds)]
        held.append(compare(name, task, truths[task], *zip(*asked, strict=True)))
    right, fast, light = (sum(column) for column in zip(*held, strict=True))
    print(f"\nof {len(held)} rows, our error is not larger in {right}; we are not slower in {fast} by the clock,")
    print(f"and in {light} by the processor")
    return int(min(right, fast) < len(held))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=os.environ.get("TORCH_MIST_PYTHON", ""))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--estimators", nargs="*", default=list(ESTIMATORS), choices=list(ESTIMATORS))
    asked = parser.parse_args()
    if not asked.peer:
        print(
            "parity: torch_mist is left out, and with it the comparison: pass --peer PYTHON or set TORCH_MIST_PYTHON."
        )
        return 0
    with tempfile.TemporaryDirectory() as folder:
        data = asked.data or drawn(Path(folder))
        return compare_all(asked.peer, data, asked.estimators, max(2, asked.seeds))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--serve-ours"], ["--serve-peer"]):
        serve(ours if sys.argv[1] == "--serve-ours" else peers, sys.argv[2])
    else:
        sys.exit(main())
