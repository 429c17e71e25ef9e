"""Which point of a sweep is best, chosen on validation rows and valued on rows that did not choose.

The folds of cross-fitting are the same for points that share data, seed and folds. So each fold chooses its point by
its own validation rows, and values its test rows, which neither trained, stopped nor chose, by the fit of that point.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

__all__ = ["Selected", "select"]

SHARED = ("data", "cleaning", "seed", "plugins")
SPLIT = ("folds", "valid_fraction")


@dataclass(frozen=True)
class Selected:
    """The choice among the points of one estimator.

    Arguments:
        estimator: The name of the estimator.
        among: The points that were compared, as positions.
        best: The point with the lowest validation loss, in the mean over folds.
        chosen: The point that each fold chose.
        mi: The out-of-fold mean of the log ratios, each fold valued by its choice, in nats.
        stderr: Its standard error, in nats.
        low: The lower end of its interval, in nats.
        high: The upper end.
    """

    estimator: str
    among: tuple[int, ...]
    best: int
    chosen: tuple[int, ...]
    mi: float
    stderr: float
    low: float
    high: float


def select(configs: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any] | None]) -> list[Selected]:
    """Return the choice among the points of each estimator, data, seed and way of splitting.

    Losses of different estimators do not compare, nor do those on different rows; points that failed or were not
    trained are left out.

    Arguments:
        configs: The configuration of each point, nested as in a configuration file.
        results: What the fit of each gave; None where it failed.
    """
    groups: dict[str, list[int]] = {}
    for place, (config, result) in enumerate(zip(configs, results, strict=True)):
        if result is not None and result["folds"]:
            shared = {name: config.get(name) for name in SHARED} | {name: config["training"][name] for name in SPLIT}
            groups.setdefault(json.dumps([config["estimator"]["name"], shared], sort_keys=True), []).append(place)
    return [_selected(configs[group[0]]["estimator"]["name"], group, results) for group in groups.values()]


def _selected(name: str, group: Sequence[int], results: Sequence[Mapping[str, Any] | None]) -> Selected:
    found = {place: result for place in group if (result := results[place]) is not None}
    folds = range(len(found[group[0]]["folds"]))
    losses = {place: [fold["valid_loss"] for fold in result["folds"]] for place, result in found.items()}
    chosen = tuple(min(group, key=lambda place: losses[place][k]) for k in folds)
    valued = [found[place]["folds"][k] for k, place in enumerate(chosen)]
    mi = sum(fold["n"] * fold["mi"] for fold in valued) / sum(fold["n"] for fold in valued)
    between = (statistics.variance([fold["mi"] for fold in valued]) / len(valued)) ** 0.5
    error = max(between, *(found[place]["stderr"] for place in chosen))
    reach = NormalDist().inv_cdf(0.5 + found[chosen[0]]["level"] / 2) * error
    best = min(group, key=lambda place: statistics.fmean(losses[place]))
    return Selected(name, tuple(group), best, chosen, mi, error, mi - reach, mi + reach)
