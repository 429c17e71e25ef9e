"""The checks of estimators as objects, apart from any run: what they do with the tensors that they are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from mistcli.config.schema import Choice
from mistcli.data.transforms import Encoder
from mistcli.estimators import Estimator, TrainableEstimator
from mistcli.testing.check import CheckSkipped, Subject, check, expect
from mistcli.testing.estimators import SHORT, problem, short
from mistcli.training.ensemble import Stack
from mistcli.training.estimator_factory import Blueprint, blueprint

__all__ = ["CHECKS"]

AFTER = 3
"""The steps after which a training is told to stop."""


def _plan(subject: Subject) -> Blueprint:
    if not issubclass(subject.target, Estimator):
        raise CheckSkipped("it is made of other estimators, and has no tensors of its own")
    return blueprint(Choice(subject.brought.qualified, subject.keywords()), None, subject.registry)


def _pairs(subject: Subject, n: int = SHORT, *, seed: int = 0, dim: int = 1) -> tuple[Tensor, Tensor]:
    pairs = problem(subject.spec, max(n, subject.spec.min_samples), 0.5, seed=seed, dim=dim)
    dtype = torch.float32 if subject.spec.trained else torch.float64
    levels: dict[str, int] = {side: int(getattr(pairs, side).max()) + 1 for side in pairs.discrete}
    x, y = (_encoded(values, levels.get(side, 0)).to(dtype) for side, values in (("x", pairs.x), ("y", pairs.y)))
    return x, y


def _encoded(values: Any, levels: int) -> Tensor:
    """Return columns as an estimator sees them: discrete ones as an indicator a level."""
    values = values.astype("float64")
    return torch.from_numpy(Encoder.fit(values, (levels,) * values.shape[1], "none").encode(values))


def _fitted(plan: Blueprint, x: Tensor, y: Tensor) -> Estimator:
    """Return an estimator that can value pairs: fitted to them, or, if it trains, with weights that are not special."""
    if plan.trained:
        return _made(plan, x, y)
    estimator = plan.direct()
    estimator.fit_log_ratio(x, y, generator=Generator().manual_seed(0))
    return estimator


def _made(plan: Blueprint, x: Tensor, y: Tensor, seed: int = 0) -> TrainableEstimator:
    """Return an estimator whose weights are moved off their start, where a last layer may be all zero."""
    generator = Generator().manual_seed(seed)
    estimator = plan.trainable(x.shape[-1], y.shape[-1])(generator)
    with torch.no_grad():
        for parameter in estimator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return estimator


@check("E08", "estimators", "it leaves its input as it is", see="mistcli.estimators.Estimator", needs=("E02",))
def inputs(subject: Subject) -> None:
    """The tensors are those of the run, which others go on to use."""
    plan = _plan(subject)
    x, y = _pairs(subject)
    before = x.clone(), y.clone()
    estimator = _fitted(plan, x, y)
    with torch.no_grad():
        estimator.log_ratio(x, y)
        if isinstance(estimator, TrainableEstimator):
            estimator.loss(x, y)
    same = torch.equal(x, before[0]) and torch.equal(y, before[1])
    expect(same, "x and y as they were before", "other values in them")


@check("E10", "estimators", "any array will do", see="mistcli.estimate", needs=("E07", "E11"))
def arrays(subject: Subject) -> None:
    """Of float32 or float64, (N,) or (N, 1), with or without gaps in memory: the same log ratios."""
    pairs = problem(subject.spec, max(SHORT, subject.spec.min_samples), 0.5)
    usual = subject.once("short", lambda: short(subject)).nats
    others = {
        "of shape (N,)": (pairs.x[:, 0], pairs.y[:, 0], 0.0),
        "of float32": (pairs.x.astype("float32"), pairs.y.astype("float32"), 1e-2),
    }
    for what, (x_side, y_side, allowed) in others.items():
        value = short(subject, x=x_side, y=y_side).nats
        expect(abs(value - usual) <= allowed, f"{usual:.6f} nats from arrays {what}, as from others", f"{value:.6f}")
    plan, (x, y) = _plan(subject), _pairs(subject, dim=2 if subject.spec.multivariate else 1)
    gaps = [torch.cat([side, side], 1)[:, : side.shape[1]] for side in (x, y)]
    with torch.no_grad():
        usually, again = (_fitted(plan, *sides).log_ratio(*sides) for sides in ((x, y), gaps))
    close = torch.allclose(usually, again, rtol=1e-4, atol=1e-5)
    expect(close, "the same log ratios of pairs with gaps between them in memory", "others")


@check("E11", "estimators", "it values other pairs, each by itself", see="mistcli.estimators.Estimator", needs=("E02",))
def other_pairs(subject: Subject) -> None:
    """A log ratio a pair, (N,) of the dtype that it is given."""
    plan = _plan(subject)
    estimator = _fitted(plan, *_pairs(subject))
    x, y = _pairs(subject, SHORT // 2, seed=1)
    with torch.no_grad():
        found = estimator.log_ratio(x, y)
    expect(found.shape == (len(x),), f"log ratios of shape ({len(x)},)", tuple(found.shape))
    expect(found.isfinite().all(), "finite log ratios of pairs that it was not fitted to", "some that are not")
    expect(found.dtype == x.dtype, f"log ratios of {x.dtype}, as x is", found.dtype)


@check("E12", "estimators", "a stack of fits is as each of them", see="mistcli.training.ensemble.Stack", needs=("E02",))
def stack(subject: Subject) -> None:
    """If it says `stackable`: a leading axis of replicas changes nothing but speed."""
    plan = _plan(subject)
    if not plan.trained:
        raise CheckSkipped("it is not trained")
    x, y = (side.double() for side in _pairs(subject, 64))
    fits = [_made(plan, x, y, seed).double() for seed in range(3)]
    if not all(getattr(part, "stackable", True) for part in fits[0].modules()):
        raise CheckSkipped("it does not say that it is stackable")
    xs, ys = (torch.stack([side.roll(k, 0) * (1 + 0.1 * k) for k in range(3)]) for side in (x, y))
    together = Stack(fits).loss(xs, ys)  # of copies, and first, for a loss may move a running mean
    alone = torch.stack([fit.loss(a, b) for fit, a, b in zip(fits, xs, ys, strict=True)])
    close = torch.allclose(alone, together, rtol=1e-6, atol=1e-8)
    expect(close, f"the losses of three fits in a stack to be {_told(alone)}", _told(together))


@check("E15", "estimators", "it can be interrupted", see="mistcli.training.trainer.fit", needs=("E02",))
def interrupted(subject: Subject) -> None:
    """What was learnt until then is valued, and said to be incomplete."""
    if not subject.spec.trained:
        raise CheckSkipped("it is not trained")
    asked: list[int] = []
    found = short(subject, should_stop=_stop(asked), max_steps=1000)
    expect(not found.complete, "complete=False of an estimate that was interrupted", found.complete)
    expect(len(asked) == AFTER, f"{AFTER} steps until it stopped", len(asked))
    expect(math.isfinite(found.nats), "a finite number from what was learnt before the interrupt", found.nats)


@check(
    "E20", "estimators", "it can be kept and taken up again", see="mistcli.persistence.checkpoint", needs=("E02", "E11")
)
def kept(subject: Subject) -> None:
    """As `mist estimate --out` and `mist evaluate` do: everything that it learnt is in its state_dict."""
    plan = _plan(subject)
    x, y = _pairs(subject)
    estimator = _fitted(plan, x, y)
    other = _made(plan, x, y, seed=1) if plan.trained else plan.direct()
    state = estimator.state_dict()
    if plan.trained:
        other.load_state_dict(state)
    else:
        for name, tensor in state.items():
            other.register_buffer(name, tensor)
    with torch.no_grad():
        same = torch.equal(estimator.log_ratio(x, y), other.log_ratio(x, y))
    expect(same, "the same log ratios from a copy with its state_dict", "others; keep what it learns in buffers")


def _stop(asked: list[int]) -> Callable[[], bool]:
    def should_stop() -> bool:
        asked.append(1)
        return len(asked) >= AFTER

    return should_stop


def _told(values: Tensor) -> str:
    return ", ".join(f"{value:.6f}" for value in values.tolist())


CHECKS = (inputs, arrays, other_pairs, stack, interrupted, kept)
"""The checks of estimators as objects."""
