"""The one training loop: a stack of fits, each with its own rows, seed, best weights and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import Fold
from mistcli.errors import FitError
from mistcli.estimators.base import TrainableEstimator
from mistcli.numerics.memory import keep_freed_memory
from mistcli.numerics.torch_state import at_most_threads, own_state
from mistcli.training.ensemble import Stack
from mistcli.training.events import Evaluated, Listener
from mistcli.training.optimizers import Optimizer, learning_rate
from mistcli.training.stopping import EarlyStopping

__all__ = ["Fits", "fit", "generator", "steps"]

AUTO_STEPS = 500
"""The training steps where neither steps nor epochs were asked for."""

EVALUATIONS = 20
"""How often the fits are evaluated in a whole training, at most; at least as many rows are trained on between two
evaluations as are looked at in one, so that training takes most of the time."""

ONE_THREAD = 2**21
"""The most numbers in a layer of a step for which training uses one thread. torch splits an operation from 2^15 numbers
on; threads that wait for a core that is busy take far longer than the operation. Beside other work on two cores, two
threads took 64 times as long as one with 2^16 numbers, 10 times with 2^18 and 6 times with 2^20
(`benchmarks/threads.py`); on idle cores they gain at most their number."""

VALID_ROWS = 5_000
"""The most validation rows that are looked at in one evaluation."""


@dataclass(frozen=True)
class Fits:
    """Trained fits, one a fold.

    Arguments:
        stack: The fits, each with its best weights.
        complete: False where training was told to stop early.
        steps: The training steps done.
    """

    stack: Stack
    complete: bool
    steps: int


def fit(
    make: Callable[[Generator], TrainableEstimator],
    x: Tensor,
    y: Tensor,
    folds: Sequence[Fold],
    config: TrainingConfig,
    *,
    seed: int,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Fits:
    """Train one fit a fold, all at once.

    Arguments:
        make: Makes an untrained estimator, its weights drawn from a generator.
        x: One side of all rows, (N, Dx).
        y: The other side, (N, Dy).
        folds: The rows of each fit; the number of a fold, with `seed`, decides the fit's weights and batches.
        config: How to train.
        seed: The seed from which each fit's own is derived.
        listener: Is told of every evaluation.
        should_stop: Is asked after every step whether to stop; what was learnt is kept.

    Raises:
        FitError: If a fit has no finite loss before it has begun.
    """
    keep_freed_memory()
    with own_state():
        stack = Stack([make(generator(seed, "weights", fold.number)).to(x.device) for fold in folds])
        batches = [_Batches(fold.train, generator(seed, "batches", fold.number)) for fold in folds]
        rows = min(len(fold.train) for fold in folds)
        size = min(config.batch_size, rows)
        watch = _Watch(stack, x, y, folds, rows / size, config.patience, listener or Listener())
        with at_most_threads(1 if stack.numbers(size) <= ONE_THREAD else torch.get_num_threads()):
            if not torch.isfinite(watch.look(0)).all():
                raise FitError(
                    "the estimator has no finite loss on this data before training; try another --transform."
                )
            step, complete = _descend(stack, (x, y), batches, watch, config, size, steps(config, rows), should_stop)
            stack.restore()
    return Fits(stack, complete, step)


def steps(config: TrainingConfig, rows: int) -> int:
    """Return the most training steps, with `rows` training rows.

    Example:
        >>> steps(TrainingConfig(batch_size=128, max_epochs=5), 1280)
        50
    """
    size = min(config.batch_size, rows)
    limits = [config.max_steps, config.max_epochs and config.max_epochs * max(1, rows // size)]
    asked = [limit for limit in limits if limit is not None]
    return min(asked) if asked else AUTO_STEPS


def _descend(
    stack: Stack,
    data: tuple[Tensor, Tensor],
    batches: Sequence[_Batches],
    watch: _Watch,
    config: TrainingConfig,
    size: int,
    total: int,
    should_stop: Callable[[], bool],
) -> tuple[int, bool]:
    """Train on batches of `size` rows; return the number of steps, and whether no one stopped it before `total`."""
    x, y = data
    optimizer = Optimizer(config.optimizer, stack.parameters(), config.weight_decay)
    every = max(1, total // EVALUATIONS, watch.rows // size)
    step = 0
    while step < total and not watch.stopping.done.all():
        picked = torch.stack([b.take(size) for b in batches]).to(x.device)
        loss = stack.loss(x[picked], y[picked])
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step(learning_rate(config.schedule, config.lr, step, total))
        watch.trained(loss)
        step += 1
        stopped = should_stop()
        if stopped or step % every == 0 or step == total:
            watch.look(step)
        if stopped:
            return step, False
    return step, True


def generator(seed: int, purpose: str, replica: int = 0) -> Generator:
    """Return a generator of its own for each purpose and replica, from one seed.

    Example:
        >>> generator(0, "weights").initial_seed() == generator(0, "batches").initial_seed()
        False
    """
    entropy = [seed, replica, *purpose.encode()]
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return Generator().manual_seed(int(state >> np.uint64(1)))


class _Batches:
    """An endless stream of rows: each pass over them in a new order."""

    def __init__(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], generator: Generator) -> None:
        self.rows = torch.from_numpy(rows)
        self.generator = generator
        self.waiting = self.rows[:0]

    def take(self, size: int) -> Tensor:
        """Return the next `size` rows."""
        while len(self.waiting) < size:
            order = torch.randperm(len(self.rows), generator=self.generator)
            self.waiting = torch.cat([self.waiting, self.rows[order]])
        batch, self.waiting = self.waiting[:size], self.waiting[size:]
        return batch


class _Watch:
    """Evaluates the fits on their validation rows, keeps the best weights, and tells what it saw.

    Where there are no validation rows it looks at training rows instead, from which nothing can be learnt about when
    to stop: the last weights are kept then.
    """

    def __init__(
        self,
        stack: Stack,
        x: Tensor,
        y: Tensor,
        folds: Sequence[Fold],
        batches_an_epoch: float,
        patience: int,
        listener: Listener,
    ) -> None:
        self.stack = stack
        self.split: Literal["train", "valid"] = "valid" if all(len(fold.valid) for fold in folds) else "train"
        seen = [fold.valid if self.split == "valid" else fold.train for fold in folds]
        rows = [torch.from_numpy(r[:: -(-len(r) // VALID_ROWS)]).to(x.device) for r in seen]
        self.pairs = [(x[r], y[r]) for r in rows]
        self.rows = max(map(len, rows))
        self.batches_an_epoch = batches_an_epoch
        self.stopping = EarlyStopping(len(folds), patience=patience)
        self.listener = listener
        self.losses: list[Tensor] = []

    def trained(self, loss: Tensor) -> None:
        """Take note of the losses of a training step, (R,)."""
        self.losses.append(loss.detach())

    def look(self, step: int) -> Tensor:
        """Evaluate all fits after `step` steps and return their losses, (R,)."""
        epoch = step / self.batches_an_epoch
        if self.losses and self.split == "valid":
            mean = torch.stack(self.losses).mean(0).cpu()
            self.listener.emit(_evaluated(step, epoch, "train", {"loss": mean}))
        self.losses.clear()
        with torch.inference_mode():
            seen = {key: value.cpu() for key, value in self.stack.measure(self.pairs).items()}
        loss = seen["loss"]
        self.stack.keep(self.stopping.update(loss) if self.split == "valid" else torch.isfinite(loss))
        self.listener.emit(_evaluated(step, epoch, self.split, seen))
        return loss


def _evaluated(step: int, epoch: float, split: Literal["train", "valid"], seen: dict[str, Tensor]) -> Evaluated:
    per_fit = {key: tuple(value.tolist()) for key, value in seen.items()}
    return Evaluated(step, epoch, split, {key: sum(v) / len(v) for key, v in per_fit.items()}, per_fit)
