"""Standard errors, intervals and verdicts."""

import math

import numpy as np
import pytest

from mistcli.inference.interval import interval, resolution, stderr
from mistcli.inference.verdict import verdict
from mistcli.result import Interval


def test_standard_error_is_that_of_a_mean():
    values = np.random.default_rng(0).standard_normal(10_000)
    assert stderr(values) == pytest.approx(0.01, rel=0.03)


def test_copies_count_once():
    values = np.random.default_rng(0).standard_normal(1000)
    tripled, group = np.tile(values, 3), np.tile(np.arange(1000), 3)
    assert stderr(tripled, group=group) == pytest.approx(stderr(values))
    assert stderr(tripled) == pytest.approx(stderr(values) / math.sqrt(3))


def test_independence_is_known_no_better_than_by_a_normal_fit():
    rng = np.random.default_rng(0)
    correlations = np.array([np.corrcoef(rng.standard_normal((2, 500)))[0, 1] for _ in range(400)])
    spread = (-0.5 * np.log(1 - correlations**2)).std()
    assert resolution(1, 1, 500) == pytest.approx(spread, rel=0.15)
    assert stderr(np.zeros(500), least=resolution(1, 1, 500)) == resolution(1, 1, 500)


def test_folds_that_disagree_widen_it():
    values = np.random.default_rng(0).standard_normal(1000)
    fold = np.repeat(np.arange(5), 200)
    assert stderr(values + 0.5 * fold, fold) > 0.3
    assert stderr(values, fold) == pytest.approx(stderr(values), rel=0.5)


@pytest.mark.parametrize(("level", "reach"), [(0.95, 1.96), (0.9, 1.645), (0.5, 0.674)])
def test_interval(level, reach):
    found = interval(1.0, 0.1, level)
    assert (found.low, found.high) == pytest.approx((1 - 0.1 * reach, 1 + 0.1 * reach), abs=1e-3)


@pytest.mark.parametrize(
    ("nats", "low", "ceiling", "expected"),
    [
        (-0.3, -0.5, None, "below 0, which the mutual information never is"),
        (0.5, 0.4, None, None),
        (0.01, -0.01, None, "not distinguishable from 0"),
        (3.9, 3.8, math.log(65), "at most 4.17 nats"),
        (6.5, 6.4, None, "1000 rows cannot support more than about 6.91 nats"),
    ],
)
def test_verdict(nats, low, ceiling, expected):
    words = list(verdict(nats, Interval(0.95, low, nats + 0.1), 1000, ceiling))
    assert len(words) == (expected is not None)
    assert expected is None or expected in words[0]
