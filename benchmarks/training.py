"""Training beside torch_mist: the same pairs, networks, negatives, batches and steps, in turns.

Run it as `python benchmarks/training.py [--peer PYTHON] [--scale SHARE]`, where PYTHON is the interpreter of an
environment with torch_mist 0.2.17; without it the peer is left out. Each side has one process and one thread. Printed
are the seconds by the clock and of the processor, and the ratio of the peer's to ours. By the clock it is right only on
a machine that does nothing else.

- tutorial: the run of torch_mist's usage page, 100,000 pairs, JS, hidden layers of 32 and 32, 16 negatives, batches of
  128, 5 epochs, one fit;
- infonce: the same with InfoNCE, a separable critic, and the whole batch as negatives;
- folds: 10 folds of 1,000 steps each on 10,000 pairs, as `k_fold_mi_estimate`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import subprocess
import sys
import warnings
from time import perf_counter, process_time

CASES = ("tutorial", "infonce", "folds")
TRUE = -0.5 * math.log(1 - 0.9**2)


def pairs(n):
    """Return n pairs of a bivariate normal of correlation 0.9, (n, 1) each."""
    import torch

    x, z = torch.randn(2, n, 1, generator=torch.Generator().manual_seed(0))
    return x, 0.9 * x + math.sqrt(1 - 0.9**2) * z


def ours(case, scale):
    """Return our estimate."""

    import mistcli
    from mistcli import estimators

    if case == "folds":
        x, y = pairs(10_000)
        steps = max(20, round(1_000 * scale))
        found = mistcli.estimate(
            (x.numpy(), y.numpy()),
            estimator="js",
            hidden_dims=[32, 32],
            neg_samples=16,
            batch_size=128,
            folds=10,
            max_steps=steps,
            patience=0,
        )
        return found.nats
    x, y = pairs(max(2_000, round(100_000 * scale)))
    make = {"tutorial": estimators.js, "infonce": estimators.infonce}[case]
    options = {"neg_samples": 16} if case == "tutorial" else {"neg_samples": 0, "critic_type": "separable"}
    estimator = make(x_dim=1, y_dim=1, hidden_dims=[32, 32], **options)
    mistcli.train_mi_estimator(estimator, (x, y), batch_size=128, max_epochs=5, valid_percentage=0.1, patience=0)
    return mistcli.evaluate_mi(estimator, (x, y), batch_size=None if case == "tutorial" else 256)


def peers(case, scale):
    """Return the estimate of torch_mist."""
    import torch
    from torch_mist.utils.estimation import estimate_mi, k_fold_mi_estimate

    torch.manual_seed(0)
    shared = {"hidden_dims": [32, 32], "batch_size": 128, "fast_train": True, "verbose": False, "early_stopping": False}
    if case == "folds":
        x, y = pairs(10_000)
        steps = max(20, round(1_000 * scale))
        found = k_fold_mi_estimate(
            data=(x, y), estimator="js", neg_samples=16, folds=10, max_iterations=steps, **shared
        )
        return float(found[0])
    x, y = pairs(max(2_000, round(100_000 * scale)))
    options = {"neg_samples": 16} if case == "tutorial" else {"neg_samples": 0, "critic_type": "separable"}
    options |= {"max_epochs": 5, "valid_percentage": 0.1, "evaluation_batch_size": 256}
    name = {"tutorial": "js", "infonce": "infonce"}[case]
    return float(estimate_mi(data=(x, y), estimator=name, **options, **shared)[0])


def serve(side):
    """Answer questions of the form CASE SCALE, one a line."""
    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        case, scale = line.split()
        wall, processor = perf_counter(), process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            mi = side(case, float(scale))
        print(json.dumps({"mi": mi, "wall": perf_counter() - wall, "cpu": process_time() - processor}), flush=True)


class Side:
    """A process that answers for one side."""

    def __init__(self, python, side):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command, pipe = [python, __file__, f"--{side}"], subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
        )

    def ask(self, case, scale):
        print(case, scale, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def main(peer, scale, cases):
    mine = Side(sys.executable, "ours")
    theirs = Side(peer, "peers") if peer else None
    if theirs is None:
        print("torch_mist is left out: pass --peer PYTHON, an interpreter that has it.")
    print(f"{'':10} {'ours':>6} {'':6} {'wall':>7} {'cpu':>7} {'peer':>8} {'wall':>7} {'cpu':>7} {'ratios':>11}")
    mine.ask("tutorial", 0.01)  # imports
    if theirs:
        theirs.ask("tutorial", 0.01)
    for case in cases:
        own = mine.ask(case, scale)
        line = f"{case:<10} {own['mi']:6.3f} {TRUE:6.3f} {own['wall']:7.2f} {own['cpu']:7.2f}"
        if theirs:
            other = theirs.ask(case, scale)
            line += f" {other['mi']:8.3f} {other['wall']:7.2f} {other['cpu']:7.2f}"
            line += f" {other['wall'] / own['wall']:5.1f} {other['cpu'] / own['cpu']:5.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] in (["--ours"], ["--peers"]):
        serve(ours if sys.argv[1] == "--ours" else peers)
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=os.environ.get("TORCH_MIST_PYTHON", ""))
    parser.add_argument("--scale", type=float, default=0.2, help="the share of the pairs, or steps, that is run")
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES)
    asked = parser.parse_args()
    main(asked.peer, asked.scale, asked.cases)
