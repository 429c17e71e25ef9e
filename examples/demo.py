"""What `make demo` runs: one table with a known answer, one table from life, and the list of estimators."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from make_data import TRUE_NATS

ROOT = Path(__file__).parent.parent


def mist(arguments: str) -> None:
    """Show a command as it would be typed at the root of the project, and run it there."""
    print(f"\n$ mist {arguments}", flush=True)
    subprocess.run([sys.executable, "-m", "mistcli", *shlex.split(arguments)], cwd=ROOT, check=True)


def main() -> None:
    mist("estimate examples/data.csv --x f1 --y f2")
    print(f"The true value is {TRUE_NATS:.4f} nats (in closed form: examples/make_data.py).")
    mist("estimate examples/iris.csv --x petal_length --y species --explain")
    mist("list-estimators")


if __name__ == "__main__":
    main()
