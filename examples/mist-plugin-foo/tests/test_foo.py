"""Tests of the plugin: it is found, its bound is right where the answer is known, and it trains."""

import mist_plugin_foo
import torch
from mist_plugin_foo.estimator import Foo

from mistcli.critics import JointCritic
from mistcli.plugin.registry import Registry


def test_mist_finds_it():
    registry = Registry(discover=False, plugins=[mist_plugin_foo])
    entry = registry.get("estimators", "foo")
    assert entry.qualified == "foo/foo"
    assert registry.load(entry) is Foo


def test_the_mean_of_the_log_partition_is_that_of_the_paper():
    neg = torch.randn(3, 50, 8)
    expected = neg.flatten(-2).logsumexp(-1) - torch.tensor(50.0 * 8).log()
    found = Foo(JointCritic(1, 1)).log_partition(neg[..., 0], neg)
    assert found.shape == (3, 50)
    torch.testing.assert_close(found.mean(-1), expected)


def test_every_parameter_learns():
    foo = Foo(JointCritic(1, 1), neg_samples=4)
    x = torch.randn(32, 1)
    foo.loss(x, x + torch.randn(32, 1)).backward()
    assert all(parameter.grad is not None for parameter in foo.parameters())
