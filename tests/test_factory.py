"""Estimators by name in one call, whatever else their names mean."""

import subprocess
import sys
from types import ModuleType

import pytest
import torch

from mistcli import estimators
from mistcli.critics import JointCritic, SeparableCritic
from mistcli.errors import ConfigError, MistError
from mistcli.estimators import JS
from mistcli.plugin import EstimatorSpec
from mistcli.plugin.registry import Registry

SPECS: dict[str, EstimatorSpec] = {
    entry.spec.name: entry.spec
    for entry in Registry(discover=False).entries("estimators")
    if entry.spec.family != "strategy"
}


@pytest.mark.parametrize("name", SPECS)
def test_every_estimator_is_made_by_its_name(name):
    sizes = {"x_dim": 1, "y_dim": 1} if SPECS[name].trained else {}
    needed = {"entropy": 1.42} if name == "ba" else {}
    made = getattr(estimators, name)(**sizes, **needed)
    assert type(made).__module__.startswith("mistcli.")
    assert repr(made).startswith(type(made).__name__)


def test_a_strategy_has_nothing_to_make():
    with pytest.raises(ConfigError, match=r"'auto' chooses among others .* mistcli.estimate"):
        estimators.auto(x_dim=1, y_dim=1)


def test_sizes_options_and_critic():
    made = estimators.js(x_dim=2, y_dim=3, hidden_dims=[32, 16], neg_samples=16, critic_type="joint")
    assert isinstance(made, JS)
    assert isinstance(made.critic, JointCritic)
    assert made.neg_samples == 16
    assert made.critic.x_layer.weight.shape == (2, 32)
    assert made.critic.net.layers[0].weight.shape == (32, 16)
    other = estimators.js(x_dim=2, y_dim=3, critic_type="separable", embedding_dim=4)
    assert isinstance(other.critic, SeparableCritic)
    assert made(torch.randn(9, 2), torch.randn(9, 3)).shape == ()


def test_weights_are_drawn_from_the_seed():
    one, same, other = (estimators.js(x_dim=1, y_dim=1, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_printing_shows_the_parts():
    shown = repr(estimators.js(x_dim=1, y_dim=1, hidden_dims=[8]))
    assert all(part in shown for part in ("JS(", "(critic): JointCritic(", "(x_layer): Linear(1 x 8)", "(net): MLP("))


def test_the_module_of_that_name_is_still_a_module():
    code = (
        "import mistcli.estimators.js as module; from mistcli import estimators; from mistcli.estimators.js import JS;"
    )
    code += "assert module is estimators.js and module.JS is JS is estimators.JS and estimators.js(x_dim=1, y_dim=1)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert isinstance(estimators.js, ModuleType)


def test_estimators_of_plugins_are_made_too(site):
    site.add(
        "mist-plugin-bar",
        """
        from mistcli.plugin import EstimatorSpec, hookimpl

        @hookimpl
        def mist_estimators():
            yield EstimatorSpec("bar", "mistcli.estimators.ksg:KSG", "Bar.")
        """,
    )
    assert type(estimators.bar()).__name__ == "KSG"
    assert repr(estimators.bar) == "<factory of the estimator 'bar'>"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: estimators.nwj(x_dim=1, y_dim=1, neg_sampels=16), "Did you mean 'neg_samples'?"),
        (lambda: estimators.js(x_dim=1, y_dim=1, critic_type="jiont"), "Did you mean 'joint'?"),
        (lambda: estimators.js(neg_samples=16), "expected x_dim and y_dim"),
        (lambda: estimators.js(x_dim=0, y_dim=1), "at least 1; got 0 and 1"),
        (lambda: estimators.gaussian(critic_type="joint"), "takes no critic"),
        (lambda: estimators.js(x_dim=1, y_dim=1, neg_samples="many"), "neg_samples"),
        (lambda: estimators.base(), "unknown estimator 'base'"),
    ],
)
def test_what_is_refused(call, sentence):
    with pytest.raises(ConfigError) as error:
        call()
    assert sentence in str(error.value)


def test_a_name_that_nobody_has_is_no_attribute():
    with pytest.raises(AttributeError, match=r"no attribute 'jss', and unknown estimator 'jss'\. Did you mean 'js'\?"):
        estimators.jss  # noqa: B018
    assert not hasattr(estimators, "__wrapped__")
    assert issubclass(ConfigError, MistError)
