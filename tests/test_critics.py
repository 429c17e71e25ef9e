"""What holds for every critic."""

import pytest
import torch
from cases import CRITICS, critic

from mistcli.critics import JointCritic
from mistcli.critics.network import NONLINEARITIES, Linear
from mistcli.errors import ConfigError
from mistcli.plugin.registry import Registry


def test_cases_cover_the_registry():
    assert set(CRITICS) == set(Registry(discover=False).names("critics"))


@pytest.mark.parametrize("name", CRITICS)
def test_scores_pairs_and_broadcasts(name):
    f = critic(name)
    x, y = torch.randn(5, 2), torch.randn(7, 3)
    table = f(x[:, None], y[None])
    assert table.shape == (5, 7)
    torch.testing.assert_close(table[2, 3], f(x[2], y[3]))
    torch.testing.assert_close(f.cross(*f.embed(x, y)), table)


@pytest.mark.parametrize("name", CRITICS)
def test_untrained_critic_says_independent(name):
    f = critic(name, perturb=False)
    assert (f(torch.randn(9, 2), torch.randn(9, 3)) == 0).all()


@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.parametrize("activation", NONLINEARITIES)
def test_gradient_reaches_every_parameter(name, activation):
    f = CRITICS[name](2, 3, hidden_dims=(8, 8), nonlinearity=activation)
    with torch.no_grad():
        for parameter in f.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    f(torch.randn(50, 2), torch.randn(50, 3)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in f.parameters())


@pytest.mark.parametrize("name", CRITICS)
def test_same_generator_same_weights(name):
    state = critic(name, seed=3).state_dict()
    again = critic(name, seed=3).state_dict()
    other = critic(name, seed=4).state_dict()
    assert all(torch.equal(state[key], again[key]) for key in state)
    assert any(not torch.equal(state[key], other[key]) for key in state)


@pytest.mark.parametrize("name", CRITICS)
def test_inputs_are_left_alone_and_float64_is_kept(name):
    f = critic(name).double()
    x, y = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    before = x.clone(), y.clone()
    assert f(x, y).dtype == torch.float64
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


@pytest.mark.parametrize("sizes", [(3, 4), (3, 1), (1, 4), (1, 1)])
def test_linear_with_replicas_equals_a_loop(sizes):
    layers = [Linear(*sizes) for _ in range(5)]
    stacked = Linear(*sizes)
    stacked.weight.data = torch.stack([layer.weight.detach() for layer in layers])
    stacked.bias.data = torch.stack([layer.bias.detach() for layer in layers])
    for shape in [(5, 7), (5, 7, 2)]:
        x = torch.randn(*shape, sizes[0], requires_grad=True)
        expected = torch.stack([layer(part) for layer, part in zip(layers, x, strict=True)])
        found = stacked(x)
        torch.testing.assert_close(found, expected)
        for one in (x, stacked.weight, stacked.bias):
            one.grad = None
        found.square().sum().backward()
        gradients = x.grad, stacked.weight.grad, stacked.bias.grad
        parts = [p for layer in layers for p in (layer.weight, layer.bias)]
        alone = torch.autograd.grad(expected.square().sum(), [x, *parts])
        torch.testing.assert_close(gradients, (alone[0], torch.stack(alone[1::2]), torch.stack(alone[2::2])))


def test_a_joint_critic_needs_a_hidden_layer():
    with pytest.raises(ConfigError, match="at least one hidden layer"):
        JointCritic(1, 1, hidden_dims=())


def test_an_unknown_nonlinearity_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown nonlinearity 'rellu'\. Did you mean 'relu'\?"):
        JointCritic(1, 1, nonlinearity="rellu")
