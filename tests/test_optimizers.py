"""The update rules are torch's own."""

import pytest
import torch

from mistcli.training.optimizers import Optimizer, learning_rate

TORCH = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1),
}


@pytest.mark.parametrize("name", TORCH)
def test_steps_equal_those_of_torch(name):
    own, theirs = (torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2))
    unused = torch.nn.Parameter(torch.zeros(2))
    optimizer, reference = Optimizer(name, [own, unused]), TORCH[name]([theirs])
    for _ in range(5):
        own.square().sum().backward()
        optimizer.step(0.1)
        reference.zero_grad()
        theirs.square().sum().backward()
        reference.step()
    torch.testing.assert_close(own, theirs)
    assert own.grad is None
    assert (unused == 0).all()


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
def test_learning_rates_stay_in_range(schedule):
    rates = [learning_rate(schedule, 0.5, step, 100) for step in range(100)]
    assert all(0 < rate <= 0.5 for rate in rates)
    assert max(rates) == pytest.approx(0.5, rel=0.01)
    assert rates[-1] < 0.01 or schedule == "constant"
    assert (rates[0] < 0.1) == (schedule == "onecycle")
