"""Makes examples/data.csv: 10,000 rows whose mutual information is known in closed form.

Two pairs of standard normal variables have correlations 0.9 and 0.5. One side is rotated, so that every
column of f1 tells something of every column of f2, and then each column is bent by an invertible map of its
own, so that nothing looks Gaussian. Neither step changes the mutual information of f1 = (f1_1, f1_2) and
f2 = (f2_1, f2_2), which is that of the two pairs: the sum of -log(1 - r^2) / 2.

    python examples/make_data.py [FILE]
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from scipy.special import ndtr

CORRELATIONS = (0.9, 0.5)
TRUE_NATS = sum(-0.5 * math.log(1 - r * r) for r in CORRELATIONS)
HEADER = "f1_1,f1_2,f2_1,f2_2"


def sample(rows: int, seed: int) -> np.ndarray:
    """Draw the four columns, (rows, 4)."""
    u1, u2, noise1, noise2 = np.random.default_rng(seed).standard_normal((4, rows))
    r1, r2 = CORRELATIONS
    v1 = r1 * u1 + math.sqrt(1 - r1 * r1) * noise1
    v2 = r2 * u2 + math.sqrt(1 - r2 * r2) * noise2
    y1, y2 = 0.6 * v1 + 0.8 * v2, 0.8 * v1 - 0.6 * v2
    return np.column_stack([u1 * np.sqrt(np.abs(u1)), ndtr(u2), y1 + 0.4 * np.sin(2 * y1), np.exp(y2 / 2)])


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("data.csv")
    np.savetxt(path, sample(10_000, seed=0), fmt="%.6g", delimiter=",", header=HEADER, comments="")
    print(f"{path}: the mutual information of f1 and f2 is {TRUE_NATS:.4f} nats")


if __name__ == "__main__":
    main()
