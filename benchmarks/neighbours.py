"""Trees against brute force: where `NEAREST_ROWS` and `COUNT_ROWS` of the neighbours come from.

Run it as `python benchmarks/neighbours.py`. Processor seconds of one thread, on normal columns with a correlation of
0.8 between the sides, for the `k`-th neighbour in D columns and for the counts within its distance in half of them.
Prints the ratio of the time of brute force to that of a tree; below 1, brute force is faster.
"""

from __future__ import annotations

from functools import partial
from time import process_time

import numpy as np
from scipy.spatial import cKDTree

from mistcli.numerics.brute import count_brute, nearest_brute


def seconds(call):
    """Return the least processor time of some calls, and the result."""
    times = []
    for _ in range(3):
        start = process_time()
        result = call()
        times.append(process_time() - start)
    return min(times), result


def columns(n, d, seed=0):
    """Return two normal sides of d columns each, with a correlation of 0.8 between them."""
    x, z = np.random.default_rng(seed).standard_normal((2, n, d))
    return np.concatenate([x, 0.8 * x + 0.6 * z], axis=1)


def nearest_tree(points):
    """Return the distances and places of 6 neighbours by a tree."""
    return cKDTree(points, compact_nodes=False).query(points, k=6, p=np.inf)


def count_tree(side, reach):
    """Return the counts within reach by a tree."""
    return cKDTree(side).query_ball_point(side, reach, p=np.inf, return_length=True)


def main():
    print(f"{'rows':>6} {'columns':>8} {'k-th neighbour':>15} {'columns':>8} {'counts':>7}")
    for n in (500, 2_000, 10_000):
        for d in (1, 2, 3, 5, 10):
            points = columns(n, d)
            side = np.ascontiguousarray(points[:, :d])
            tree, (distances, _) = seconds(partial(nearest_tree, points))
            brute, _ = seconds(partial(nearest_brute, points, points, 6))
            ball, _ = seconds(partial(count_tree, side, distances[:, -1]))
            pairs, _ = seconds(partial(count_brute, side, side, distances[:, -1]))
            print(f"{n:6} {2 * d:8} {brute / tree:15.2f} {d:8} {pairs / ball:7.2f}", flush=True)


if __name__ == "__main__":
    main()
