"""The steps of an estimate in a program's own hands: train an estimator, value pairs by it, or both in one call.

`mistcli.estimate` is the way to a number with its error. What is here serves programs that hold the estimator
themselves, among them those written for torch_mist, whose steps these are; `docs/migrating-from-torch-mist.md`
tells what each of them became.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mistcli.api import estimate
from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import Fold
from mistcli.data.tensor_data import batch_size_of, pairs
from mistcli.errors import ConfigError, MistError, did_you_mean
from mistcli.estimators.base import DirectEstimator, Estimator, TrainableEstimator
from mistcli.numerics.torch_state import own_state
from mistcli.plugin.options import fields, parse
from mistcli.training.crossfit import valued
from mistcli.training.devices import device_of
from mistcli.training.events import Evaluated, Event, Listener, rows
from mistcli.training.trainer import fit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["estimate_mi", "evaluate_mi", "train_mi_estimator"]

COLUMNS = ("name", "split", "epoch", "iteration", "value")
TRAINING = frozenset(item.name for item in fields(TrainingConfig)) - {
    "folds",
    "valid_fraction",
    "optimizer",
    "evaluation_batch_size",
}


def estimate_mi(
    data: Any,
    *,
    estimator: str = "js",
    critic_type: str | None = None,
    valid_percentage: float = 0.1,
    optimizer_class: Any = "adam",
    **options: Any,
) -> tuple[float, pd.DataFrame]:
    """Estimate mutual information: `mistcli.estimate`, with its number and the history of training alone.

    The number is cross-fitted: each pair is valued by a fit that has not seen it.

    Arguments:
        data: A pair `(x, y)` of arrays or tensors, a mapping or data set of such, a `DataLoader`; or, with `x=` and
            `y=`, anything that has columns.
        estimator: The name of the estimator.
        critic_type: The name of the critic; the estimator's own choice by default.
        valid_percentage: The share of the training pairs that decide when to stop; 0 trains to the end.
        optimizer_class: The optimizer: a class of `torch.optim`, or its name.
        **options: Whatever `mistcli.estimate` takes: `batch_size=128`, `max_epochs=5`, `neg_samples=16`, `seed=0`.

    Returns:
        The estimate in nats, and what was measured in training, a row a value, the mean over the fits: a DataFrame of
        `name, split, epoch, iteration, value`.

    Raises:
        MistError: As `mistcli.estimate` does.

    Example:
        >>> x, noise = torch.randn(2, 2000, generator=torch.Generator().manual_seed(0))
        >>> mi, log = estimate_mi((x, x + noise), estimator="js", neg_samples=4, max_epochs=50)
        >>> abs(mi - 0.3466) < 0.08, list(log)
        (True, ['name', 'split', 'epoch', 'iteration', 'value'])
    """
    if not isinstance(estimator, str):
        raise ConfigError(
            "expected the name of an estimator; an estimator that is made already is trained by "
            "train_mi_estimator and valued by evaluate_mi."
        )
    if "x" not in options and "y" not in options and isinstance(data, Mapping | DataLoader | Dataset):
        data = pairs(data)
    options |= {"valid_fraction": _share(valid_percentage), "optimizer": _optimizer(optimizer_class)}
    if critic_type is not None:
        options["critic"] = critic_type
    found = estimate(data, estimator=estimator, **options)
    history = found.history.drop(columns="fit")
    log = history.groupby(["name", "split", "epoch", "iteration"], as_index=False, sort=False).mean()
    return found.nats, log[list(COLUMNS)]


@own_state()
def train_mi_estimator(
    estimator: Estimator,
    data: Any,
    *,
    valid_data: Any = None,
    valid_percentage: float = 0.1,
    optimizer_class: Any = "adam",
    seed: int = 0,
    listener: Listener | None = None,
    **training: Any,
) -> pd.DataFrame:
    """Train an estimator in place, by the loop that all of mist is trained by.

    Arguments:
        estimator: The estimator; after training it has the weights that did best on the validation pairs.
        data: The pairs: `(x, y)`, a mapping of "x" and "y", a data set, or a `DataLoader`, which is drawn once into
            memory and whose batch size is the default of `batch_size`.
        valid_data: The validation pairs, in any of these forms; a part of `data` by default.
        valid_percentage: The share of `data` that decides when to stop, where there is no `valid_data`. With 0 all
            pairs are trained on, to the end.
        optimizer_class: The optimizer: a class of `torch.optim`, or its name.
        seed: The seed of the split and of the batches.
        listener: Is told what happens, event by event.
        **training: How to train: `batch_size`, `max_epochs`, `max_steps`, `patience`, `lr`, `schedule`, `device`.

    Returns:
        What was measured, a row a value: a DataFrame of `name, split, epoch, iteration, value`.

    Raises:
        ConfigError: If an option is wrong, or the estimator does not take such pairs.
        DataError: If there are no pairs, or too few.
        FitError: If the estimator has no finite loss.

    Example:
        >>> from mistcli import estimators
        >>> x = torch.randn(500)
        >>> log = train_mi_estimator(estimators.nwj(x_dim=1, y_dim=1), (x, x), max_epochs=2, valid_percentage=0)
        >>> list(log)
        ['name', 'split', 'epoch', 'iteration', 'value']
    """
    _check_made(estimator)
    if not isinstance(estimator, TrainableEstimator):
        raise ConfigError(f"expected an estimator that is trained; got {type(estimator).__name__}: call evaluate_mi.")
    if any(parameter.is_inference() for parameter in estimator.parameters()):
        raise ConfigError("expected an estimator that can be trained; this one was made in torch.inference_mode().")
    config = _config(training, _optimizer(optimizer_class), batch_size_of(data))
    x, y = pairs(data)
    if valid_data is None:
        fold = _split(len(x), _share(valid_percentage), seed)
    else:
        n = len(x)
        x, y = (torch.cat(both) for both in zip((x, y), _alike(pairs(valid_data), x, y), strict=True))
        fold = Fold(0, np.arange(n), np.arange(n, len(x)), np.arange(0))
    dtype, device = next(estimator.parameters()).dtype, device_of(config.device)
    x, y = x.to(device, dtype), y.to(device, dtype)
    _check_takes(estimator.to(device), x, y)
    recorder = _Log(listener or Listener())
    fit(lambda _: estimator, x, y, [fold], config, seed=seed, listener=recorder)
    return recorder.frame()


@own_state()
def evaluate_mi(estimator: Estimator, data: Any, *, batch_size: int | None = None) -> float:
    """Return the mean log ratio of pairs under an estimator, in nats.

    Of pairs that it was trained on it says too much; value others, or let `mistcli.estimate` do both.

    Arguments:
        estimator: The estimator; one that is not trained is fitted to the pairs.
        data: The pairs, in any of the forms of `train_mi_estimator`.
        batch_size: The most pairs that are valued at once, whose negatives come from among them; that of the
            `DataLoader`, or else all, by default.

    Raises:
        ConfigError: If the estimator does not take such pairs, or such a batch size.
        DataError: If there are no pairs, or the pairs do not allow an estimate.

    Example:
        >>> from mistcli import estimators
        >>> x, noise = torch.randn(2, 2000, generator=torch.Generator().manual_seed(1))
        >>> abs(evaluate_mi(estimators.gaussian(), (x, x + noise)) - 0.3466) < 0.05
        True
    """
    _check_made(estimator)
    x, y = pairs(data)
    if isinstance(estimator, DirectEstimator):
        if batch_size is not None:
            raise ConfigError(f"{type(estimator).__name__} looks at all pairs at once; leave batch_size out.")
        with torch.inference_mode():
            return float(estimator.fit_log_ratio(x.double(), y.double()).mean())
    batch_size = batch_size or batch_size_of(data)
    if batch_size is not None and batch_size < 2:
        raise ConfigError(
            f"expected a batch_size of at least 2, for negatives are made within a batch; got {batch_size}."
        )
    parameter = next(estimator.parameters())
    x, y = x.to(parameter.device, parameter.dtype), y.to(parameter.device, parameter.dtype)
    _check_takes(estimator, x, y)
    return float(valued(estimator, x, y, batch_size).double().mean())


class _Log(Listener):
    """Keeps what was measured of a single fit, and passes events on."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._records: list[dict[str, Any]] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            self._records.extend(rows(event))
        self._listener.emit(event)

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self._records, columns=list(COLUMNS))


def _config(training: Mapping[str, Any], optimizer: str, batch_size: int | None) -> TrainingConfig:
    for name in training:
        if name not in TRAINING:
            known = sorted({*TRAINING, "valid_data", "valid_percentage", "optimizer_class", "seed", "listener"})
            hint = did_you_mean(name, known)
            raise ConfigError(f"train_mi_estimator has no option {name!r}.{hint} It takes {', '.join(known)}.")
    given = {"optimizer": optimizer, **({"batch_size": batch_size} if batch_size else {}), **training}
    config: TrainingConfig = parse(TrainingConfig, given, owner="train_mi_estimator")
    return config


def _optimizer(asked: Any) -> str:
    """Return the name of an optimizer that is given as a class of torch, or by name."""
    known = next(item.info.choices for item in fields(TrainingConfig) if item.name == "optimizer")
    of_torch = isinstance(asked, type) and asked.__module__.startswith("torch.optim")
    name = asked.__name__.lower() if of_torch else asked
    if name not in known:
        raise ConfigError(
            f"expected an optimizer_class among {', '.join(known)}, or such a class of torch.optim; got {asked!r}: for "
            "another, write the loop by hand."
        )
    return str(name)


def _share(valid_percentage: float) -> float:
    if not 0 <= valid_percentage <= 0.5:
        raise ConfigError(
            f"expected a valid_percentage from 0 to 0.5, a share and not percents; got {valid_percentage}."
        )
    return float(valid_percentage)


def _split(n: int, valid: float, seed: int) -> Fold:
    """Return all rows as one fold, a share of them set aside for validation."""
    if not valid:
        return Fold(0, np.arange(n), np.arange(0), np.arange(0))
    order = np.random.default_rng([seed, 0]).permutation(n)
    count = max(2, round(valid * n))
    return Fold(0, np.sort(order[count:]), np.sort(order[:count]), np.arange(0))


def _alike(valid: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    for name, one, other in zip("xy", valid, (x, y), strict=True):
        if one.shape[1] != other.shape[1]:
            raise ConfigError(
                f"expected valid_data with {other.shape[1]} columns of {name}, as in data; got {one.shape[1]}."
            )
    return valid[0].to(x.dtype), valid[1].to(y.dtype)


def _check_made(estimator: object) -> None:
    if not isinstance(estimator, Estimator):
        raise ConfigError(
            f"expected an estimator that is made already, such as estimators.js(x_dim=1, y_dim=1); got {estimator!r}: "
            "for one by its name there is estimate_mi."
        )


def _check_takes(estimator: Estimator, x: Tensor, y: Tensor) -> None:
    """Find out on a few pairs whether the estimator takes such, before long work begins."""
    try:
        with torch.inference_mode():
            estimator.log_ratio(x[:4], y[:4])
    except MistError:
        raise
    except (RuntimeError, IndexError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(
            f"the estimator does not take x of {x.shape[1]} and y of {y.shape[1]} columns; make it with "
            f"x_dim={x.shape[1]}, y_dim={y.shape[1]} ({first})."
        ) from error
