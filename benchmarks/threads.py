"""One thread against all of them in a training step, by the size of its layers: where `ONE_THREAD` comes from.

Run it as `python benchmarks/threads.py`, once on an idle machine and once beside other work. Prints the seconds of 40
steps by the clock, in turns. OMP_NUM_THREADS and torch.set_num_threads are left as they are.
"""

from __future__ import annotations

from time import perf_counter

import torch

import mistcli
from mistcli import estimators
from mistcli.training import trainer

ROWS, NEGATIVES = 128, 16


def seconds(width, limit):
    """Return the seconds of a training whose limit for one thread is `limit`."""
    trainer.ONE_THREAD = limit
    x, y = torch.randn(2, 4_000, 1, generator=torch.Generator().manual_seed(0))
    estimator = estimators.js(x_dim=1, y_dim=1, hidden_dims=[width, width], neg_samples=NEGATIVES)
    start = perf_counter()
    mistcli.train_mi_estimator(estimator, (x, y), batch_size=ROWS, max_steps=40, valid_percentage=0.1, patience=0)
    return perf_counter() - start


def main():
    print(f"{torch.get_num_threads()} threads\n{'numbers':>10} {'one':>7} {'all':>7} {'all / one':>10}")
    seconds(32, 2**40)
    for width in (32, 128, 512):
        one, every = seconds(width, 2**40), seconds(width, 0)
        print(f"{ROWS * (NEGATIVES + 1) * width:10,} {one:7.2f} {every:7.2f} {every / one:10.1f}", flush=True)


if __name__ == "__main__":
    main()
