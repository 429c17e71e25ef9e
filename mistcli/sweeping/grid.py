"""From a sweep file to the configurations it stands for, all of them checked before anything runs.

.. code-block:: yaml

    data: {path: data.csv, x: f1, y: f2}      # and all else that a configuration may say
    estimator: js
    grid:                                     # every combination of these values
      neg_samples: [1, 4, 16]
      critic.hidden_dims: [[32, 32], [64, 64]]
    zip:                                      # the first values together, then the second
      training.lr: [1e-3, 1e-2]
      training.batch_size: [128, 512]
    random:                                   # and with each of these, n draws
      n: 5
      seed: 0
      over:
        training.valid_fraction: {low: 0.1, high: 0.3}
        training.patience: [3, 5, 10]
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any, TypeAlias

from mistcli.errors import ConfigError, did_you_mean

__all__ = ["MAX_POINTS", "PARTS", "Point", "expand"]

Point: TypeAlias = dict[str, Any]
"""The values of the options that a sweep varies, as the file gives them."""

PARTS = ("grid", "zip", "random")
MAX_POINTS = 10_000


def expand(parts: Mapping[str, Any]) -> list[Point]:
    """Return the points that `grid`, `zip` and `random` amount to: every combination of a point of each.

    Raises:
        ConfigError: If a part is not of its shape, an option is varied twice, or there are too many points.

    Example:
        >>> expand({"grid": {"k": ["3", "5"]}, "zip": {"a": ["1", "2"], "b": ["3", "4"]}})[-1]
        {'k': '5', 'a': '2', 'b': '4'}
    """
    given = {name: _mapping(parts.get(name) or {}, name) for name in PARTS}
    grid = {key: _values(values, f"grid.{key}") for key, values in given["grid"].items()}
    zipped = {key: _values(values, f"zip.{key}") for key, values in given["zip"].items()}
    number, seed, over = _random(given["random"])
    keys = [*grid, *zipped, *over]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"the sweep varies {key!r} in more than one of grid, zip and random; name it once.")
    if not keys:
        raise ConfigError("the sweep varies nothing; give options with their values under grid, zip or random.")
    lengths = {len(values) for values in zipped.values()}
    if len(lengths) > 1:
        told = ", ".join(f"{key} {len(values)}" for key, values in zipped.items())
        raise ConfigError(f"zip takes as many values of each option; got {told}.")
    count = math.prod(len(values) for values in grid.values()) * max(lengths, default=1) * number
    if count > MAX_POINTS:
        raise ConfigError(f"the sweep has {count:,} points, more than {MAX_POINTS:,}; give fewer values, or draw some.")
    gridded = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    together = [dict(zip(zipped, values, strict=True)) for values in zip(*zipped.values(), strict=True)] or [{}]
    drawn = _draws(over, number, seed)
    return [{**a, **b, **c} for a, b, c in itertools.product(gridded, together, drawn)]


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} takes a mapping of options to values; got {value!r}.")
    return value


def _values(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{name} takes a list of values; got {value!r}.")
    return value


def _random(given: Mapping[str, Any]) -> tuple[int, int, Mapping[str, Any]]:
    """Return the number of draws, their seed, and what is drawn."""
    for key in given:
        if key not in ("n", "seed", "over"):
            raise ConfigError(f"random takes n, seed and over; got {key!r}.{did_you_mean(key, ('n', 'seed', 'over'))}")
    if not given:
        return 1, 0, {}
    over = _mapping(given.get("over") or {}, "random.over")
    if not over or "n" not in given:
        raise ConfigError("random takes n, the number of draws, and over, the options with what is drawn of them.")
    return _whole(given["n"], "random.n", 1), _whole(given.get("seed", 0), "random.seed", 0), over


def _draws(over: Mapping[str, Any], number: int, seed: int) -> list[Point]:
    rng = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    return [{key: _drawn(what, rng, f"random.over.{key}") for key, what in over.items()} for _ in range(number)]


def _drawn(what: Any, rng: random.Random, name: str) -> Any:
    """Draw one of a list, or a number between two, whole if both are."""
    if isinstance(what, Mapping):
        low, high, log = _range(what, name)
        whole = isinstance(low, int) and isinstance(high, int)
        drawn = math.exp(rng.uniform(math.log(low), math.log(high))) if log else rng.uniform(low, high)
        return str(round(drawn) if whole else float(f"{drawn:.6g}"))
    return rng.choice(_values(what, name))


def _range(what: Mapping[str, Any], name: str) -> tuple[float, float, bool]:
    if not {"low", "high"} <= set(what) <= {"low", "high", "log"}:
        raise ConfigError(f"{name} takes a list, or low and high, and log if it is to be drawn so; got {dict(what)!r}.")
    low, high = (_number(what[end], f"{name}.{end}") for end in ("low", "high"))
    log = {"true": True, "yes": True, "false": False, "no": False}.get(str(what.get("log", "no")).lower())
    if log is None or not low < high or (log and low <= 0):
        raise ConfigError(f"{name} takes low < high, positive where log is true; got {dict(what)!r}.")
    return low, high, log


def _number(value: Any, name: str) -> float:
    for read in (int, float):
        try:
            number = read(str(value))
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    raise ConfigError(f"{name} takes a number; got {value!r}.")


def _whole(value: Any, name: str, least: int) -> int:
    number = _number(value, name)
    if not isinstance(number, int) or not least <= number <= 10**9:
        raise ConfigError(f"{name} takes a whole number from {least}; got {value!r}.")
    return number
