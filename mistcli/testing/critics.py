"""The checks of critics: shapes, gradients, seeds, and that a stack of them is as good as a loop."""

from __future__ import annotations

import contextlib
import io
from typing import Any, cast

import torch
from torch import Generator, Tensor

from mistcli.api import estimate
from mistcli.critics import Critic
from mistcli.errors import MistError
from mistcli.estimators.js import JS
from mistcli.testing.check import CheckSkipped, Subject, check, expect
from mistcli.testing.problems import normal
from mistcli.training.ensemble import Stack

__all__ = ["CHECKS"]

WIDTHS = ((2, 3), (3, 2), (1, 1))
N = 2_000
RHO = 0.9


def _made(subject: Subject, x_dim: int, y_dim: int, *, seed: int = 0, moved: bool = True) -> Critic:
    """Make a critic; moved, it has weights as after some training, for a last layer may start at zero."""
    generator = Generator().manual_seed(seed)
    critic = cast(Critic, subject.target(x_dim, y_dim, generator=generator, **subject.keywords()))
    if moved:
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return critic


def _rows(n: int, dim: int, seed: int) -> Tensor:
    return torch.randn(n, dim, generator=Generator().manual_seed(seed))


@check("C01", "critics", "it scores pairs and broadcasts", see="mistcli.critics.Critic", needs=("S02",))
def shapes(subject: Subject) -> None:
    """Every combination, and each pair of it alone; in one piece and through `embed` and `cross`."""
    critic = _made(subject, 2, 3)
    with torch.no_grad():
        table = critic(_rows(5, 2, 0)[:, None], _rows(7, 3, 1)[None])
        expect(table.shape == (5, 7), "a score a combination of 5 rows of x and 7 of y, (5, 7)", tuple(table.shape))
        one = critic(_rows(5, 2, 0)[2], _rows(7, 3, 1)[4])
        close = torch.allclose(table[2, 4], one, rtol=1e-4, atol=1e-5)
        expect(close, f"the score of a pair among others, {table[2, 4]:.6f}, of it alone", f"{one:.6f}")
        cross = critic.cross(*critic.embed(_rows(5, 2, 0), _rows(7, 3, 1)))
    same = cross.shape == table.shape and torch.allclose(cross, table, rtol=1e-4, atol=1e-5)
    expect(same, "the same scores through embed() and cross() as from forward()", "others")


@check("C02", "critics", "it learns with every parameter", see="mistcli.critics.Critic", needs=("C01",))
def gradients(subject: Subject) -> None:
    """The gradient of the scores reaches each of them."""
    critic = _made(subject, 2, 3)
    critic(_rows(50, 2, 0), _rows(50, 3, 1)).square().sum().backward()
    idle = [name for name, p in critic.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    expect(not idle, "a gradient at every parameter", f"none at {', '.join(idle)}")
    expect(any(True for _ in critic.parameters()), "parameters to be trained", "none")


@check("C03", "critics", "its first weights come from the generator", see="mistcli.critics.Critic", needs=("S02",))
def seeded(subject: Subject) -> None:
    """That is passed in, and from nowhere else."""
    before = torch.get_rng_state()
    one, again, other = (_made(subject, 2, 3, seed=s, moved=False).state_dict() for s in (0, 0, 1))
    expect(torch.equal(before, torch.get_rng_state()), "torch's own generator to be left alone", "a draw from it")
    expect(all(torch.equal(one[key], again[key]) for key in one), "the same weights from the same seed", "others")
    differ = not one or any(not torch.equal(one[key], other[key]) for key in one)
    expect(differ, "other weights from another seed", "the same")


@check("C04", "critics", "it can be kept and taken up again", see="mistcli.persistence.checkpoint", needs=("C01",))
def kept(subject: Subject) -> None:
    """All that it learns is in its state_dict, as tensors."""
    one, other = _made(subject, 2, 3), _made(subject, 2, 3, seed=1)
    odd = [name for name, value in one.state_dict().items() if not isinstance(value, Tensor)]
    expect(not odd, "tensors in its state_dict", f"something else at {', '.join(odd)}")
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        same = torch.equal(one(_rows(9, 2, 0), _rows(9, 3, 1)), other(_rows(9, 2, 0), _rows(9, 3, 1)))
    expect(same, "the same scores from a copy with its state_dict", "others")


@check("C05", "critics", "x and y may have different widths", see="mistcli.critics.Critic", needs=("C01",))
def widths(subject: Subject) -> None:
    """One column or several, on either side."""
    for x_dim, y_dim in WIDTHS:
        with torch.no_grad():
            scores = _made(subject, x_dim, y_dim)(_rows(9, x_dim, 0), _rows(9, y_dim, 1))
        wanted = f"finite scores (9,) of x (9, {x_dim}) and y (9, {y_dim})"
        expect(scores.shape == (9,), wanted, tuple(scores.shape))
        expect(scores.isfinite().all(), wanted, "some that are not")


@check("C06", "critics", "it leaves its input as it is", see="mistcli.critics.Critic", needs=("C01",))
def inputs(subject: Subject) -> None:
    """The rows of x are scored with many rows of y."""
    critic = _made(subject, 2, 3)
    x, y = 9 * _rows(20, 2, 0), 9 * _rows(20, 3, 1)
    with torch.no_grad():
        critic(x, y)
    same = torch.equal(x, 9 * _rows(20, 2, 0)) and torch.equal(y, 9 * _rows(20, 3, 1))
    expect(same, "x and y as they were before", "other values in them")


@check("C07", "critics", "a stack of them is as each of them", see="mistcli.training.ensemble.Stack", needs=("C01",))
def stack(subject: Subject) -> None:
    """If it says `stackable`: a leading axis of replicas changes nothing but speed."""
    if not subject.target.stackable:
        raise CheckSkipped("it does not say that it is stackable")
    fits = [JS(_made(subject, 2, 3, seed=seed), neg_samples=3).double() for seed in range(3)]
    x, y = (torch.stack([_rows(30, dim, 10 * dim + k).double() for k in range(3)]) for dim in (2, 3))
    alone = torch.stack([fit.loss(a, b) for fit, a, b in zip(fits, x, y, strict=True)])
    together = Stack(fits).loss(x, y)
    close = torch.allclose(alone, together, rtol=1e-6, atol=1e-8)
    expect(close, f"the losses of three critics in a stack to be {_told(alone)}", _told(together))


@check("C08", "critics", "it keeps the dtype", see="mistcli.critics.Critic", needs=("C01",))
def dtypes(subject: Subject) -> None:
    """In float64 as in float32."""
    for dtype in (torch.float32, torch.float64):
        with torch.no_grad():
            scores = _made(subject, 2, 3).to(dtype)(_rows(9, 2, 0).to(dtype), _rows(9, 3, 1).to(dtype))
        expect(scores.dtype == dtype, f"scores of {dtype}, as x, y and its weights are", scores.dtype)


@check("C09", "critics", "it learns a Gaussian", see="mistcli.critics.Critic", needs=("C02", "C06", "C07"))
def learns(subject: Subject) -> None:
    """Trained as the critic of `js`, it finds most of the information."""
    if subject.fast:
        raise CheckSkipped("it would be trained to its end, which --fast leaves out")
    pairs = normal(N, RHO)
    found = _estimate(subject, pairs.x, pairs.y)
    wanted = f"at least half of {pairs.nats:.3f} nats, and no more than 0.1 beyond"
    expect(pairs.nats / 2 < found < pairs.nats + 0.1, wanted, f"{found:.3f}")


@check("C10", "critics", "it prints nothing", see="mistcli.training.events", needs=("S02",))
def quiet(subject: Subject) -> None:
    """Stdout is for the result alone."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(MistError, RuntimeError):
        critic = _made(subject, 2, 3)
        critic(_rows(9, 2, 0), _rows(9, 3, 1)).sum().backward()
    expect(not said.getvalue(), "nothing on stdout", repr(said.getvalue()[:200]))


def _estimate(subject: Subject, x: Any, y: Any) -> float:
    label = subject.brought.qualified
    return estimate((x, y), estimator="js", critic=label, registry=subject.registry, **subject.options).nats


def _told(values: Tensor) -> str:
    return ", ".join(f"{value:.6f}" for value in values.tolist())


CHECKS = (shapes, gradients, seeded, kept, widths, inputs, stack, dtypes, learns, quiet)
"""The checks of critics."""
