"""Densities: they integrate to one, draw what they say, learn what there is, and stack."""

import math
import subprocess
import sys

import pytest
import torch
from problems import normal
from torch import Generator

from mistcli.distributions import ConditionalRatio, Density, DensityMaker, Flow, Gaussian, JointRatio
from mistcli.distributions.density_factory import DENSITIES
from mistcli.errors import ConfigError, DataError


def made(name, dim=1, context_dim=0, *, seed=0):
    """A small density that is not at its start any more."""
    maker = DensityMaker((8,), components=3 if name == "mixture" else None, generator=Generator().manual_seed(seed))
    density = maker.make(name, dim, context_dim).double()
    generator = Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in density.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return density


def grid(dim, reach=10.0):
    """Points of a grid, (N, dim), and the volume of each."""
    line = torch.linspace(-reach, reach, {1: 4001, 2: 201}[dim], dtype=torch.float64)
    return torch.cartesian_prod(*[line] * dim).view(-1, dim), float(line[1] - line[0]) ** dim


def contexts(context_dim):
    generator = Generator().manual_seed(5)
    return torch.randn(3, context_dim, generator=generator, dtype=torch.float64) if context_dim else [None]


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize(("dim", "context_dim"), [(1, 0), (2, 0), (1, 2), (2, 1)])
def test_a_density_integrates_to_one_under_every_context(name, dim, context_dim):
    density, (points, volume) = made(name, dim, context_dim), grid(dim)
    for context in contexts(context_dim):
        log_prob = density.log_prob(points, None if context is None else context.expand(len(points), -1))
        assert log_prob.shape == (len(points),)
        assert log_prob.exp().sum().item() * volume == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize(("dim", "context_dim"), [(1, 0), (2, 0), (2, 1)])
def test_a_density_draws_what_it_says(name, dim, context_dim):
    density, (points, volume) = made(name, dim, context_dim), grid(dim)
    context = contexts(context_dim)[0] if context_dim else torch.zeros(0, dtype=torch.float64)
    noise = torch.randn(8000, density.noise_dim, generator=Generator().manual_seed(0), dtype=torch.float64)
    drawn = density.draw(noise, density.embed(context.expand(8000, -1)))
    assert drawn.shape == (8000, dim)
    weights = density.log_prob(points, context.expand(len(points), -1)).exp() * volume
    mean = weights @ points
    covariance = (points - mean).mT @ (weights[:, None] * (points - mean))
    error = 5 * covariance.diagonal().sqrt() / 8000**0.5
    assert ((drawn.mean(0) - mean).abs() < error).all()
    torch.testing.assert_close(drawn.mT.cov().view(dim, dim), covariance, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("name", ["gaussian", "diagonal", "mixture"])
@pytest.mark.parametrize("context_dim", [0, 3])
def test_a_stack_of_densities_is_a_loop(name, context_dim):
    alone = [made(name, 2, context_dim, seed=10 * s) for s in range(4)]
    whole = made(name, 2, context_dim)
    for tensor, *parts in zip(whole.parameters(), *(d.parameters() for d in alone), strict=True):
        tensor.data = torch.stack([part.detach() for part in parts])
    y, context = torch.randn(4, 6, 1, 2).double(), torch.randn(4, 1, 5, context_dim).double()
    noise = torch.randn(4, 6, 5, whole.noise_dim).double()
    scores = whole.score(whole.prepare(y), whole.embed(context))
    drawn = whole.draw(noise, whole.embed(context))
    for r, density in enumerate(alone):
        embedded = density.embed(context[r])
        torch.testing.assert_close(
            scores[r].expand(6, -1), density.score(density.prepare(y[r]), embedded).expand(6, -1)
        )
        torch.testing.assert_close(drawn[r], density.draw(noise[r], embedded))


@pytest.mark.parametrize("name", DENSITIES)
def test_an_untrained_density_does_not_depend_on_its_context(name):
    density = DensityMaker((8,), generator=Generator().manual_seed(0)).make(name, 2, 3)
    y = torch.randn(20, 2)
    one, other = (density.log_prob(y, torch.randn(20, 3)) for _ in range(2))
    torch.testing.assert_close(one, other)
    if name != "mixture":
        torch.testing.assert_close(one, -0.5 * y.square().sum(-1) - math.log(2 * math.pi))


@pytest.mark.parametrize(("name", "most"), [("gaussian", 2.2), ("mixture", 1.55), ("nsf", 1.55)])
def test_a_density_learns_two_modes_if_it_can(name, most):
    generator = Generator().manual_seed(0)
    side = torch.randint(2, (1000, 1), generator=generator) * 4.0 - 2
    y = side + 0.5 * torch.randn(1000, 1, generator=generator)  # its entropy is 1.42 nats
    density = DensityMaker(generator=generator).make(name, 1)
    optimizer = torch.optim.Adam(density.parameters(), lr=0.03)
    for _ in range(150):
        loss = -density.log_prob(y).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert 1.38 < loss.item() < most


def test_weights_of_a_flow_are_those_of_the_generator_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    one, again, other = (Flow(2, 1, generator=Generator().manual_seed(s)).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_ratios_are_differences_of_log_densities():
    x, y = normal(20, 0.5, dim=2)
    conditional, joint, q_x, q_y = made("mixture", 2, 2), made("gaussian", 4), made("nsf", 2), made("mixture", 2)
    one = ConditionalRatio(conditional, q_y)
    torch.testing.assert_close(one(x, y), conditional.log_prob(y, x) - q_y.log_prob(y))
    torch.testing.assert_close(one.loss(x, y), -(conditional.log_prob(y, x) + q_y.log_prob(y)).mean())
    torch.testing.assert_close(ConditionalRatio(conditional, -1.5)(x, y), conditional.log_prob(y, x) + 1.5)
    other = JointRatio(joint, q_x, q_y)
    parts = joint.log_prob(torch.cat([x, y], 1)), q_x.log_prob(x), q_y.log_prob(y)
    torch.testing.assert_close(other(x, y), parts[0] - parts[1] - parts[2])
    torch.testing.assert_close(other.loss(x, y), -sum(part.mean() for part in parts))
    for ratio in (one, other):  # whichever way they are combined
        torch.testing.assert_close(ratio.cross(*ratio.embed(x, y)).diagonal(), ratio(x, y))


@pytest.mark.parametrize("ratio", ["conditional", "joint"])
def test_pairs_are_proposed_as_the_densities_have_them(ratio):
    rho, scale = 0.8, 0.6
    x, _ = normal(50, 0)
    if ratio == "conditional":
        conditional = Gaussian(1, 1, hidden_dims=()).double()
        conditional.net.layers[0].weight.data[:] = torch.tensor([[rho, 0]])
        conditional.net.layers[0].bias.data[1] = -math.log(scale)
        made = ConditionalRatio(conditional, 0.0)
    else:
        joint = Gaussian(2).double()
        joint.below.data[:] = -rho
        joint.values.data[-1] = -math.log(scale)
        made = JointRatio(joint, Gaussian(1), Gaussian(1))
    noise = torch.randn(50, 200, made.noise_dim, generator=Generator().manual_seed(0), dtype=torch.float64)
    xs, ys = made.propose(x, noise)
    assert ys.shape == (50, 200, 1)
    if ratio == "conditional":
        assert torch.equal(xs, x[:, None])
    pairs = torch.stack([xs.expand(50, 200, 1).flatten(), ys.flatten()])
    if ratio == "joint":
        assert abs(pairs.corrcoef()[0, 1].item() - rho) < 0.02
    slope = pairs[0] @ pairs[1] / pairs[0].square().sum()
    assert abs(slope.item() - rho) < 0.03
    assert abs((pairs[1] - rho * pairs[0]).std().item() - scale) < 0.02


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: DensityMaker().make("gausian", 1),
            "unknown density 'gausian'. Did you mean 'gaussian'? Available: ga",
        ),
        (
            lambda: DensityMaker(components=4).check("gaussian"),
            "no components with gaussian, for it belongs to mixture",
        ),
        (
            lambda: DensityMaker(transforms=2).check("gaussian", "mixture"),
            "no transforms with gaussian and mixture, for it belongs to maf and nsf; got 2: leave it out",
        ),
        (lambda: DensityMaker((8,)).check("mixture", networks=False), "no hidden_dims with mixture"),
    ],
)
def test_what_there_is_not_is_refused(call, message):
    with pytest.raises(ConfigError) as error:
        call()
    assert message in str(error.value)


def test_other_columns_than_a_density_has_are_refused():
    with pytest.raises(DataError, match="expected y of 1 columns, as the density was made; got 2"):
        Gaussian(1).log_prob(torch.zeros(5, 2))


def test_flows_are_imported_only_for_those_who_want_one():
    code = "import sys, mistcli.estimators as e; e.doe(x_dim=1, y_dim=1); assert 'zuko' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_density_is_one():
    assert all(isinstance(made(name), Density) for name in DENSITIES)
