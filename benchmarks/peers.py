"""What torch_mist says of the families of `mist bench`: the peer's part of docs/accuracy.md.

Run it as `python benchmarks/peers.py PEER_PYTHON [SUITE] [N]`, where PEER_PYTHON is the interpreter of an environment
with torch_mist 0.2.17. The peer gets the very samples that `benchmarks/accuracy.py` takes (seed 0), its default
optimiser and stopping, JS with 16 negatives and one hidden layer of 128; one process answers for all.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from mistcli.benchmark import problems

PEER = """
import contextlib, io, sys, warnings
import numpy as np, torch
from torch_mist import estimate_mi
warnings.filterwarnings("ignore")
for path in sys.stdin.read().split():
    pair = np.load(path)
    torch.manual_seed(0); np.random.seed(0)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            mi, _ = estimate_mi(data=(torch.tensor(pair["x"]).float(), torch.tensor(pair["y"]).float()), estimator="js",
                                verbose=False, hidden_dims=[128], fast_train=True, neg_samples=16)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr); mi = float("nan")
    print(path, float(mi), flush=True)
"""


def main(peer: str, suite: str = "further", n: str = "10000") -> None:
    """Print the error of the peer on each problem whose sides are continuous, and what is made of them."""
    chosen = {
        name: one
        for name, one in problems().items()
        if one.suite == suite and one.x_kind == one.y_kind == "continuous" and not name.startswith("series")
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = {str(Path(folder) / f"{name}.npz"): name for name in chosen}
        for path, name in paths.items():
            x, y = chosen[name].sample(int(n), 0)
            np.savez(path, x=x, y=y)
        asked = "\n".join(paths)
        done = subprocess.run([peer, "-c", PEER], input=asked, capture_output=True, text=True, check=True)
        answers = {paths[path]: float(mi) for path, mi in map(str.split, done.stdout.splitlines())}
    errors = {name: mi - chosen[name].mi for name, mi in answers.items()}
    for name, error in sorted(errors.items(), key=lambda item: abs(item[1])):
        print(f"{name:32} true {chosen[name].mi:6.3f}  error {error:+.3f}")
    finite = [abs(error) for error in errors.values() if np.isfinite(error)]
    near = sum(error <= 0.1 for error in finite)
    print(f"MAE {np.mean(finite):.3f}, median {np.median(finite):.3f}, within 0.1: {near} of {len(errors)}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("expected the interpreter of an environment with torch_mist: peers.py PEER_PYTHON [SUITE] [N]")
    main(*sys.argv[1:])
