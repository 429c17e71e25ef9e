"""Cross-fitting: every row valued by a fit that had no part in it, for one data set or for several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import Fold, valued_by
from mistcli.estimators.base import CriticEstimator, Estimator, TrainableEstimator
from mistcli.numerics.torch_state import at_most_threads
from mistcli.training.events import Listener
from mistcli.training.trainer import Fits, fit, generator

__all__ = ["CrossFitted", "DataSet", "cross_fit", "valued"]


@dataclass(frozen=True)
class DataSet:
    """The pairs of one estimate, and how they are cut into folds.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        folds: The rows of each fit.
    """

    x: Tensor
    y: Tensor
    folds: Sequence[Fold]


@dataclass(frozen=True)
class CrossFitted:
    """The rows of one data set, each valued by the fit of its fold.

    Arguments:
        log_ratio: The log ratio of each row, (N,) in nats; NaN for a row that is in no fold's test rows.
        fold_of: The place of the fold that valued each row, (N,).
        fits: The fits, one a fold.
        complete: False where training was told to stop early.
    """

    log_ratio: NDArray[np.float64]
    fold_of: NDArray[np.int64]
    fits: Sequence[TrainableEstimator]
    complete: bool


def cross_fit(
    make: Callable[[Generator], TrainableEstimator],
    data: Sequence[DataSet],
    config: TrainingConfig,
    *,
    seed: int,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[CrossFitted]:
    """Train all folds of all data sets as one stack of fits, and value each row by the fit that has not seen it.

    A data set alone and the same one beside others give the same values, within rounding, where all are of one size.

    Arguments:
        make: Makes an untrained estimator, its weights drawn from a generator.
        data: The data sets, each with as many columns on either side and as many rows as the first.
        config: How to train.
        seed: The seed from which each fit's own is derived; the fit of a fold has the same in every data set.
        listener: Is told of every evaluation, of all fits of the first data set, then those of the next, and so on.
        should_stop: Is asked after every step whether to stop.
    """
    x, y = (torch.cat([getattr(one, side) for one in data]) for side in "xy")
    starts = np.cumsum([0, *(len(one.x) for one in data)])
    folds = [fold.moved(int(start)) for one, start in zip(data, starts, strict=False) for fold in one.folds]
    fits = fit(make, x, y, folds, config, seed=seed, listener=listener, should_stop=should_stop)
    places = np.cumsum([0, *(len(one.folds) for one in data)])
    batch_size = config.evaluation_batch_size
    return [_valued(one, fits, int(place), batch_size) for one, place in zip(data, places, strict=False)]


def valued(estimator: Estimator, x: Tensor, y: Tensor, batch_size: int | None = None) -> Tensor:
    """Return the log ratios of pairs, `batch_size` pairs at a time at most.

    An estimator that makes negatives makes them of the pairs at hand, so that smaller batches have fewer of them. The
    pairs of a batch are drawn from all, which keeps the neighbours in a series, or in a sorted table, apart.

    Arguments:
        estimator: The estimator, fitted.
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        batch_size: The most pairs at once; all if None.

    Returns:
        The log ratios, (N,) in nats.
    """
    # critics score chunks of at most 2^20 numbers, for which threads do not pay; see ONE_THREAD of the trainer
    threads = 1 if isinstance(estimator, CriticEstimator) else torch.get_num_threads()
    with torch.inference_mode(), at_most_threads(threads):
        if batch_size is None or batch_size >= len(x):
            return estimator.log_ratio(x, y)
        order = torch.randperm(len(x), generator=generator(0, "valued")).to(x.device)
        # parts of nearly one size: a last part of a single pair could have no negatives
        parts = torch.tensor_split(order, -(-len(x) // batch_size))
        values = torch.cat([estimator.log_ratio(x[rows], y[rows]) for rows in parts])
        return torch.empty_like(values).index_copy_(0, order, values)


def _valued(one: DataSet, fits: Fits, place: int, batch_size: int | None) -> CrossFitted:
    log_ratio = np.full(len(one.x), np.nan)
    fitted = [fits.stack[place + k] for k in range(len(one.folds))]
    for estimator, fold in zip(fitted, one.folds, strict=True):
        rows = torch.from_numpy(fold.test).to(one.x.device)
        log_ratio[fold.test] = valued(estimator, one.x[rows], one.y[rows], batch_size).double().cpu().numpy()
    return CrossFitted(log_ratio, valued_by(one.folds, len(one.x)), fitted, fits.complete)
