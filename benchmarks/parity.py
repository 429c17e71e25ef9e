"""Our estimators beside those of torch_mist: the same data, networks, densities, batch, negatives and epochs.

Run it as `python benchmarks/parity.py PEER_PYTHON DATA [ESTIMATOR ...]`, where PEER_PYTHON is the interpreter of an
environment with torch_mist 0.2.17, and DATA a folder with a `NAME__0.npz` (x, y) for each task and a `meta.json` of
true values. It prints the table of docs/parity.md, and exits with 1 if an error of ours is larger than the peer's by
more than two of our standard errors, or we take longer.

Each side has one process, which answers one question after the other, in turns with the other side, after one that
does not count. Both have one thread, and neither stops early. Seconds are those of the processor in the call alone:
what a clock shows where the machine does nothing else, and what other work on it does not change.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from time import process_time

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


def ours(name, task, x, y):
    """Return our estimate and its standard error."""
    import mistcli

    training = {"hidden_dims": HIDDEN, "batch_size": BATCH, "max_epochs": EPOCHS, "patience": 0}
    entropy = {"entropy": ENTROPIES[task]} if name == "ba" else {}
    options = {**ESTIMATORS[name], **({} if name == "binned" else training), **entropy}
    found = mistcli.estimate((x, y), estimator=name, **options)
    return found.nats, found.stderr


def peers(name, task, x, y):
    """Return the estimate of torch_mist, which has no error."""
    import numpy as np
    import torch
    from torch_mist import estimate_mi

    torch.manual_seed(0)
    np.random.seed(0)  # the peer draws from the generators of the process
    mi, _ = estimate_mi(
        data=(torch.from_numpy(x).float(), torch.from_numpy(y).float()),
        batch_size=BATCH,
        max_epochs=EPOCHS,
        early_stopping=False,
        fast_train=True,
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
    """Answer questions of the form NAME TASK, one a line."""
    import numpy as np

    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        name, task = line.split()
        with np.load(Path(data) / f"{task}__0.npz") as pair:
            x, y = pair["x"], pair["y"]
        start = process_time()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                mi, stderr = side(name, task, x, y)
            answer = {"mi": mi, "stderr": stderr, "seconds": process_time() - start, "failed": ""}
        except Exception as error:  # that a side cannot do it is a result too
            failed = f"{type(error).__name__}: {error}".splitlines()[0]
            answer = {"mi": math.nan, "stderr": math.nan, "seconds": math.nan, "failed": failed[:120]}
        print(json.dumps(answer), flush=True)


class Side:
    """A process that answers for one side."""

    def __init__(self, python, side, data):
        command = [python, __file__, f"--{side}", str(data)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, env=environment, cwd="/"
        )

    def ask(self, name, task):
        print(name, task, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def compare(name, task, true, mine, theirs):
    """Print a row; return whether our error and our time hold."""
    errors = [abs(side["mi"] - true) for side in (mine, theirs)]
    right = math.isfinite(errors[0]) and not errors[0] > errors[1] + 2 * mine["stderr"]
    fast = not mine["seconds"] > theirs["seconds"]
    notes = [word for word, bad in (("worse", not right), ("slower", not fast)) if bad]
    notes += [f"{who}: {side['failed']}" for who, side in (("ours", mine), ("peer", theirs)) if side["failed"]]
    print(
        f"| {name} | {task} | {true:.3f} | {errors[0]:.3f} ± {mine['stderr']:.3f} | {errors[1]:.3f} "
        f"| {mine['seconds']:.2f} | {theirs['seconds']:.2f} | {theirs['seconds'] / mine['seconds']:.1f} "
        f"| {'; '.join(notes)} |",
        flush=True,
    )
    return right, fast


def main(python=None, data=None, *names):
    """Compare all, or those named."""
    if data is None:
        print("parity: compares with torch_mist, given PEER_PYTHON and DATA; see the head of the file")
        return 0
    truths = {name: task["mi"] for name, task in json.loads((Path(data) / "meta.json").read_text()).items()}
    mine, theirs = Side(sys.executable, "ours", data), Side(python, "peer", data)
    for side in (mine, theirs):
        side.ask("js", TASKS[0])
    print("| estimator | task | true | our error ± se | their error | our seconds | theirs | ratio | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    held = [
        compare(name, task, truths[task], mine.ask(name, task), theirs.ask(name, task))
        for name in names or ESTIMATORS
        for task in TASKS
    ]
    right, fast = (sum(column) for column in zip(*held, strict=True))
    print(f"\nof {len(held)} pairs, our error is not larger in {right}, and we are not slower in {fast}")
    return int(min(right, fast) < len(held))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--ours"], ["--peer"]):
        serve(ours if sys.argv[1] == "--ours" else peers, sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:]))
