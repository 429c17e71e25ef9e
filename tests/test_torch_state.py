"""The state of torch belongs to the caller: whatever it is, numbers are the same, and it is left as it was."""

import contextlib

import numpy as np
import pytest
import torch

import mistcli
from mistcli import estimators
from mistcli.errors import ConfigError
from mistcli.numerics.torch_state import at_most_threads, own_state


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


STATES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device": lambda: torch.device("meta"),
    "default_device": lambda: default_device("meta"),
    "autocast": lambda: torch.autocast("cpu"),
}


def state():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.get_num_threads(),
        torch.random.get_rng_state().tolist(),
    )


def pairs(n=300):
    x, z = np.random.default_rng(0).standard_normal((2, n))
    return x, x + z


def estimated(name):
    return mistcli.estimate(pairs(), estimator=name, **({"max_steps": 5, "folds": 2} if name == "js" else {})).nats


def table(n=120):
    x, y = pairs(n)
    return {"a": x, "b": y, "c": x * y}


def trained():
    x, y = (torch.from_numpy(side) for side in pairs())
    estimator = estimators.js(x_dim=1, y_dim=1)
    mistcli.train_mi_estimator(estimator, (x, y), max_steps=5)
    return mistcli.evaluate_mi(estimator, (x, y))


def lagged():
    return mistcli.estimate_lags(pairs(), lags=[1, 2], estimator="js", max_steps=3, folds=2).peak


WORK = {
    "js": lambda: estimated("js"),
    "ksg": lambda: estimated("ksg"),
    "gaussian_copula": lambda: estimated("gaussian_copula"),
    "doe": lambda: mistcli.estimate(pairs(), estimator="doe", max_steps=3, folds=2).nats,
    "pq": lambda: mistcli.estimate(pairs(), estimator="pq", max_steps=3, folds=2).nats,
    "independence_test": lambda: mistcli.independence_test(pairs(100), permutations=19).p_value,
    "mi_matrix": lambda: mistcli.mi_matrix(table()).mi.tolist(),
    "rank_features": lambda: mistcli.rank_features(table(), "c", permutations=19).selected,
    "train_mi_estimator": trained,
    "estimate_lags": lagged,
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_numbers_do_not_depend_on_the_state_of_torch(work):
    expected = work()
    for enter in STATES.values():
        with enter():
            before = state()
            assert work() == expected
            assert state() == before


@pytest.mark.parametrize("enter", STATES.values(), ids=STATES)
def test_the_state_is_as_before_after_an_error(enter):
    with enter():
        before = state()
        with pytest.raises(ZeroDivisionError), own_state(), at_most_threads(1):
            1 / 0  # noqa: B018
        assert state() == before


def test_an_estimator_made_in_inference_mode_cannot_be_trained():
    with torch.inference_mode():
        critic = estimators.JS(mistcli.critics.JointCritic(1, 1))
    with pytest.raises(ConfigError, match=r"made in torch.inference_mode\(\)"):
        mistcli.train_mi_estimator(critic, tuple(map(torch.from_numpy, pairs())))


def test_threads_are_the_callers_in_the_end():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    try:
        mistcli.estimate(
            pairs(), estimator="js", max_steps=2, folds=2, should_stop=lambda: seen.append(torch.get_num_threads())
        )
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
