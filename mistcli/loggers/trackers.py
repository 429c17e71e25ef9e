"""What loggers share that hand a run on to a tracker of experiments: names and plain values, and quiet."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from mistcli.training.events import Evaluated, RunStarted

__all__ = ["Plain", "figures", "flat", "measured", "parameters", "quiet"]

Plain: TypeAlias = bool | int | float | str


def parameters(event: RunStarted) -> dict[str, Plain]:
    """Return what decides the outcome of a run, by dotted name; its loggers do not, and may hold a password.

    Example:
        >>> parameters(RunStarted("js", {"seed": 0, "training": {"lr": 0.1}, "loggers": []}, steps=0, n=10))
        {'seed': 0, 'training.lr': 0.1}
    """
    return dict(flat({key: value for key, value in event.parameters.items() if key != "loggers"}))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Plain]]:
    """Yield nested values by dotted name; what is not plain becomes JSON.

    Example:
        >>> dict(flat({"estimator": {"name": "js", "dims": (32, 32)}, "critic": None}))
        {'estimator.name': 'js', 'estimator.dims': '[32, 32]', 'critic': 'null'}
    """
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif isinstance(value, bool | int | float | str):
            yield name, value
        else:
            yield name, json.dumps(value, default=str)


def measured(event: Evaluated, *, per_fit: bool) -> dict[str, float]:
    """Return the measured values by name: the means over the fits and, if wanted, each fit.

    Example:
        >>> measured(Evaluated(10, 0.5, "valid", {"mi": 0.3}, {"mi": (0.2, 0.4)}), per_fit=True)
        {'mi/valid': 0.3, 'mi/valid/fit_0': 0.2, 'mi/valid/fit_1': 0.4}
    """
    found = {f"{name}/{event.split}": value for name, value in event.values.items()}
    if per_fit:
        for name, values in event.per_fit.items():
            found |= {f"{name}/{event.split}/fit_{fit}": value for fit, value in enumerate(values)}
    return found


def figures(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a result by name; there are none where it is not a single estimate.

    Example:
        >>> figures({"mi": 0.3, "stderr": 0.1, "interval": {"level": 0.95, "low": 0.1, "high": 0.5}, "p_value": None})
        {'result/mi': 0.3, 'result/stderr': 0.1, 'result/low': 0.1, 'result/high': 0.5}
    """
    interval = result.get("interval") or {}
    shown = {name: result.get(name) for name in ("mi", "stderr", "p_value")}
    shown |= {name: interval.get(name) for name in ("low", "high")}
    return {f"result/{name}": float(value) for name, value in shown.items() if value is not None}


@contextlib.contextmanager
def quiet(environment: Mapping[str, str]) -> Iterator[None]:
    """Within this context nothing is printed, and these environment variables are set.

    Trackers print what they do, on either stream, and take some of their settings from nowhere but the environment.

    Example:
        >>> with quiet({"TRACKER": "offline"}):
        ...     print(os.environ["TRACKER"])
        >>> "TRACKER" in os.environ
        False
    """
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
