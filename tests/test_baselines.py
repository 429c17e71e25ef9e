"""Baselines: what each is, that tangents lie above the logarithm, and which names there are."""

from typing import get_args

import pytest
import torch
from cases import critic
from torch import Generator

from mistcli.builtin.discriminative import TUBAOptions
from mistcli.errors import ConfigError
from mistcli.estimators.baselines import (
    BaselineName,
    BatchBaseline,
    ConstantBaseline,
    LearnableBaseline,
    MovingAverageBaseline,
    baseline_of,
    batch_log_partition,
    log_mean_exp,
    tangent,
)
from mistcli.plugin.options import fields

NAMES = get_args(BaselineName)
CLASSES = {
    "batch": BatchBaseline,
    "constant": ConstantBaseline,
    "learnable": LearnableBaseline,
    "moving_average": MovingAverageBaseline,
}


@pytest.fixture
def batch():
    generator = Generator().manual_seed(0)
    return tuple(torch.randn(4, 30, size, generator=generator) for size in (2, 3)), torch.randn(4, 30)


def test_a_tangent_lies_above_the_logarithm_and_touches_it():
    log_z, log_a = torch.linspace(-5, 5, 41), torch.linspace(-4, 4, 17)[:, None]
    above = tangent(log_z, log_a) - log_z
    assert (above > -1e-5).all()
    torch.testing.assert_close(tangent(log_z, log_z), log_z)


def test_the_batch_partition_has_the_logarithm_of_the_whole_for_its_mean():
    neg = 3 * torch.randn(5, 40, 8, dtype=torch.float64)
    torch.testing.assert_close(batch_log_partition(neg).mean(-1), log_mean_exp(neg.flatten(-2)))


def test_large_scores_do_not_overflow():
    neg = torch.full((10, 4), 500.0)
    assert torch.equal(batch_log_partition(neg), torch.full((10,), 500.0))


def test_the_names_are_those_of_the_option():
    (declared,) = [item for item in fields(TUBAOptions) if item.name == "baseline"]
    assert set(declared.info.choices) == set(NAMES) == set(CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_makes_its_baseline(name, batch):
    (x, y), log_z = batch
    made = baseline_of(name, critic("joint", perturb=False))
    assert type(made) is CLASSES[name]
    log_a = made(x[0], y[0], log_z[0])
    assert torch.broadcast_shapes(log_a.shape, (30,)) == (30,)
    assert log_a.isfinite().all()
    expected = torch.zeros(1) if name != "batch" else log_mean_exp(log_z[0])
    torch.testing.assert_close(log_a, expected.expand_as(log_a))


def test_an_unknown_name_is_an_error():
    with pytest.raises(ConfigError, match="a baseline of learnable, constant, batch, moving_average"):
        baseline_of("nope", critic("joint"))


@pytest.mark.parametrize("kind", ["joint", "separable"])
def test_a_learnable_baseline_has_parameters_of_its_own_and_sees_only_x(kind, batch):
    (x, y), log_z = batch
    scored = critic(kind)
    learnable = LearnableBaseline(scored)
    assert not {id(p) for p in learnable.parameters()} & {id(p) for p in scored.parameters()}
    log_a = learnable(x[0], y[0], log_z[0])
    assert torch.equal(log_a, learnable(x[0], y[1], log_z[1]))
    assert not torch.equal(log_a, learnable(x[1], y[0], log_z[0]))
    log_a.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learnable.parameters())


def test_the_gradient_flows_through_the_mean_of_the_batch(batch):
    (x, y), log_z = batch
    log_z.requires_grad_()
    BatchBaseline()(x, y, log_z).sum().backward()
    torch.testing.assert_close(log_z.grad, log_z.softmax(-1).detach())


def test_a_moving_average_has_a_memory_and_no_gradient(batch):
    (x, y), log_z = batch
    log_z.requires_grad_()
    average = MovingAverageBaseline(decay=0.8)
    expected = 1.0
    for _ in range(3):
        average.follow(log_z[0])
        expected = 0.8 * expected + 0.2 * log_z[0].exp().mean().item()
    log_a = average(x[0], y[0], log_z[0])
    assert log_a.exp().item() == pytest.approx(expected)
    assert not log_a.requires_grad
    assert set(average.state_dict()) == {"log_mean"}


@pytest.mark.parametrize("decay", [0.0, 1.0, -1.0, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ConfigError, match="a decay between 0 and 1"):
        MovingAverageBaseline(decay=decay)
