"""Imports a module in a fresh process and tells what that did: this one has imported too much to be a witness."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from mistcli.testing.check import CheckFailed

__all__ = ["Imported", "import_fresh"]

HEAVY = ("torch", "pandas", "numpy", "scipy")
TIMEOUT = 60.0

CODE = """
import sys
names, preload, sys.path[:] = {names!r}, {preload!r}, {path!r}
import contextlib, importlib, io, json, os, random, time
import mistcli.plugin.hookspecs, mistcli.plugin.options
for name in preload:
    importlib.import_module(name)
def state():
    torch, numpy = (sys.modules.get(name) if name in preload else None for name in ("torch", "numpy"))
    told = {{"the state of random": hash(random.getstate()), "the working directory": os.getcwd()}}
    if numpy:
        told["the state of numpy.random"] = hash(numpy.random.get_state()[1].tobytes())
    if torch:
        told["the state of torch's generator"] = hash(torch.get_rng_state().numpy().tobytes())
        told["torch's default dtype"] = str(torch.get_default_dtype())
        told["torch's number of threads"] = torch.get_num_threads()
    return told
before, said, start = state(), io.StringIO(), time.perf_counter()
with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
    for name in names:
        importlib.import_module(name)
seconds, after = time.perf_counter() - start, state()
sys.__stdout__.write("\\n" + json.dumps({{
    "seconds": seconds,
    "heavy": [name for name in {heavy!r} if name in sys.modules and name not in preload],
    "said": said.getvalue()[:200],
    "changed": [what for what in before if before[what] != after[what]],
}}))
"""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Arguments:
        seconds: How long it took.
        heavy: Which of torch, pandas, numpy and scipy it brought in.
        said: What it printed.
        changed: What it changed that belongs to everybody, in words.
    """

    seconds: float
    heavy: tuple[str, ...]
    said: str
    changed: tuple[str, ...]


def import_fresh(names: Sequence[str], *, preload: Sequence[str] = (), timeout: float = TIMEOUT) -> Imported:
    """Import modules in a fresh process.

    Arguments:
        names: The modules.
        preload: What is imported before them, so that its state is watched and its import not counted.
        timeout: The seconds after which the process is ended.

    Raises:
        CheckFailed: If the import fails, or takes longer.
    """
    code = CODE.format(names=tuple(names), preload=tuple(preload), path=sys.path, heavy=HEAVY)
    what = ", ".join(names)
    try:
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"expected the import of {what} to end; got nothing within {timeout:g} s") from None
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise CheckFailed(f"expected to import {what} in a fresh process; got {last}")
    told = json.loads(run.stdout.splitlines()[-1])
    return Imported(told["seconds"], tuple(told["heavy"]), told["said"].strip(), tuple(told["changed"]))
