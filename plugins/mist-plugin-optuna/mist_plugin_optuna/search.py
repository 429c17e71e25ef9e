"""The search itself: Optuna proposes options, a training says how good they are on rows it was not trained on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from mist_plugin_optuna.space import Dimension
from mistcli.errors import FitError
from mistcli.result import Estimate

__all__ = ["Search", "Trial", "held_out_loss", "search"]


@dataclass(frozen=True)
class Trial:
    """Options that were tried.

    Arguments:
        number: Its place, from 0.
        options: The value of each searched option.
        loss: The held-out loss; None where the training failed.
        seconds: How long it took.
        error: Why it failed.
    """

    number: int
    options: Mapping[str, Any]
    loss: float | None
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Search:
    """All trials, in order.

    Arguments:
        trials: The trials that ended.
        complete: False where it was told to stop early.
    """

    trials: tuple[Trial, ...]
    complete: bool

    @property
    def best(self) -> Trial | None:
        """The trial with the least held-out loss; None where all failed."""
        good = [trial for trial in self.trials if trial.loss is not None]
        return min(good, key=lambda trial: trial.loss or 0.0, default=None)


def held_out_loss(records: Iterable[Mapping[str, Any]]) -> float:
    """Return the least loss of each fit on its validation rows, averaged over the fits.

    Arguments:
        records: A history of training, as in `Estimate.records`.

    Raises:
        FitError: If a fit has no finite loss.

    Example:
        >>> seen = [(0, 1.0), (1, 2.0), (0, 0.5), (1, 3.0)]
        >>> held_out_loss({"name": "loss", "split": "valid", "fit": fit, "value": value} for fit, value in seen)
        1.25
    """
    best: dict[int, float] = {}
    for record in records:
        if record["name"] == "loss" and record["split"] == "valid":
            value = record["value"] if math.isfinite(record["value"]) else math.inf
            best[record["fit"]] = min(value, best.get(record["fit"], math.inf))
    loss = sum(best.values()) / len(best) if best else math.inf
    if not math.isfinite(loss):
        raise FitError("the training gave no finite loss on its validation rows.")
    return loss


def search(
    dimensions: Sequence[Dimension],
    train: Callable[[Mapping[str, Any]], Estimate],
    *,
    trials: int,
    seed: int,
    tell: Callable[[Trial], None],
) -> Search:
    """Try options, those that look most promising in the light of the trials before.

    Arguments:
        dimensions: What is searched.
        train: Returns the estimate with some options; one that is not complete ends the search.
        trials: How many to try.
        seed: The seed of the proposals.
        tell: Is told of every trial that ended.
    """
    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    done: list[Trial] = []
    for number in range(trials):
        asked = study.ask()
        options = {dimension.key: dimension.suggest(asked) for dimension in dimensions}
        trial = _tried(number, options, train)
        if trial is None:
            return Search(tuple(done), complete=False)
        if trial.loss is None:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(asked, trial.loss)
        done.append(trial)
        tell(trial)
    return Search(tuple(done), complete=True)


def _tried(number: int, options: dict[str, Any], train: Callable[[Mapping[str, Any]], Estimate]) -> Trial | None:
    """Return the trial of some options; None where it was interrupted."""
    began = time.perf_counter()
    try:
        estimate = train(options)
        loss = held_out_loss(estimate.records) if estimate.complete else math.nan
    except FitError as error:
        return Trial(number, options, None, time.perf_counter() - began, str(error))
    return Trial(number, options, loss, time.perf_counter() - began) if estimate.complete else None
