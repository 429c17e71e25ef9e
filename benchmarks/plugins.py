"""How much longer `mist --help` takes with twenty plugins installed, five of them broken, than with none.

Run it as `python benchmarks/plugins.py`. Runs alternate, so that a busy machine slows both sides alike; the ratio is
that of the medians. Exits with 1 if it is above its target.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from startup import ENVIRONMENT, MIST, seconds

ROOT = Path(__file__).parent.parent
TARGET = 1.5


def main(repeats=15):
    sys.path.insert(0, str(ROOT / "tests"))
    from twenty import install

    with tempfile.TemporaryDirectory() as folder:
        names = list(install(Path(folder)))
        none = {**ENVIRONMENT, "MIST_PLUGINS": ""}
        twenty = {**ENVIRONMENT, "MIST_PLUGINS": ",".join(names), "PYTHONPATH": os.pathsep.join([folder, str(ROOT)])}
        pairs = [[seconds([*MIST, "--help"], env) for env in (none, twenty)] for _ in range(repeats + 1)]
    without, with_them = map(statistics.median, zip(*pairs[1:], strict=True))
    ratio = with_them / without
    print(f"mist --help: {without * 1e3:.0f} ms with no plugin, {with_them * 1e3:.0f} ms with {len(names)}: ", end="")
    print(f"{ratio:.2f} times as long, target {TARGET}")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
