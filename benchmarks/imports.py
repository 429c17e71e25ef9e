"""What `mist estimate` imports, and how long that takes, by package.

Run it as `python benchmarks/imports.py [ESTIMATOR ...]`. It prints, for each estimator, processor seconds of the whole
process on 150 rows, their ratio to those of importing torch alone, and the own import time of each
package, by `python -X importtime`.
"""

from __future__ import annotations

import collections
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

IRIS = Path(__file__).parent.parent / "examples" / "iris.csv"
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def seconds(command):
    """Return the processor seconds of a process that is run twice, the second time, and what it writes to stderr."""
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


def by_package(told):
    """Return the milliseconds of each top package, the longest first."""
    spent = collections.Counter()
    for own, module in LINE.findall(told):
        spent[module.partition(".")[0]] += int(own) / 1e3
    return spent.most_common()


def main(estimators):
    torch, _ = seconds([sys.executable, "-c", "import torch"])
    print(f"import torch: {torch:.2f} s")
    for name in estimators:
        options = ["--x", "sepal_length", "--y", "petal_length", "--estimator", name, "-q"]
        command = ["-m", "mistcli", "estimate", str(IRIS), *options]
        whole, _ = seconds([sys.executable, *command])
        _, told = seconds([sys.executable, "-X", "importtime", *command])
        packages = ", ".join(f"{package} {spent:.0f}" for package, spent in by_package(told)[:8])
        print(f"{name}: {whole:.2f} s, {whole / torch:.2f} times as long; ms by package: {packages}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["gaussian", "ksg", "js", "auto"])
