"""How long `mist` takes to start, as a ratio to what it cannot do without.

Run it as `python benchmarks/startup.py`. Runs alternate, so that a busy machine slows both sides alike; the
ratio is that of the medians. Exits with 1 if a ratio is above its target.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

IMPORTS = "import click, pluggy, importlib.metadata"
MIST = [str(Path(sys.executable).with_name("mist"))]
# As for an installed package: bytecode is kept, and the first run, which is not counted, writes it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
CASES = (
    ([*MIST, "--help"], IMPORTS, 1.6),
    ([*MIST, "--version"], IMPORTS, 1.6),
    ([*MIST, "show", "js"], IMPORTS, 1.6),
    ([*MIST, "list-estimators"], f"{IMPORTS}, rich.table", 1.6),
    ([*MIST, "plugins"], f"{IMPORTS}, rich.table", 1.6),
)


def seconds(command, environment=ENVIRONMENT):
    start = perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return perf_counter() - start


def compare(command, baseline, repeats):
    """Return the median times of the command and of the baseline, in alternating runs."""
    pairs = [(seconds(command), seconds([sys.executable, "-c", baseline])) for _ in range(repeats + 1)]
    ours, theirs = zip(*pairs[1:], strict=True)
    return statistics.median(ours), statistics.median(theirs)


def main(repeats=15):
    failed = False
    print(f"{'command':<22} {'ms':>6} {'baseline':>9} {'ratio':>6} {'target':>7}")
    for command, baseline, target in CASES:
        ours, theirs = compare(command, baseline, repeats)
        failed |= ours / theirs > target
        name = "mist " + " ".join(command[1:])
        print(f"{name:<22} {ours * 1e3:6.0f} {theirs * 1e3:9.0f} {ours / theirs:6.2f} {target:7.1f}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
