"""Standard errors, intervals and verdicts."""

import math

import numpy as np
import pytest

import mistcli
from mistcli.data.cleaning import Variable
from mistcli.inference.diagnostics import memory, symptoms
from mistcli.inference.flags import verdict
from mistcli.inference.interval import held_out_resolution, interval, resolution, stderr
from mistcli.inference.permutation import p_value
from mistcli.inference.sampling_design import Apart
from mistcli.result import Estimate, Interval


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


def test_independence_is_known_to_held_out_rows_in_however_many_columns():
    assert held_out_resolution(1, 1, 500) == resolution(1, 1, 500)
    assert held_out_resolution(768, 768, 500) == held_out_resolution(10, 10, 500) == 0.004


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
    assert expected is None or expected in words[0].sentence


class TestPermutations:
    @pytest.mark.parametrize(("seed", "permutations"), [(0, 19), (1, 99)])
    def test_it_is_the_share_that_is_as_large(self, seed, permutations):
        x = np.random.default_rng(seed).standard_normal(30)
        design, parts = Apart(30), [np.arange(30)]
        found, done = p_value(lambda order: float(x @ x[order]), design, parts, permutations, np.random.default_rng(0))
        assert (found, done) == (1 / (permutations + 1), permutations)

    def test_equal_ones_count_within_rounding(self):
        values = np.full(10, 0.1, dtype=np.float32)
        noise = np.random.default_rng(0)

        def statistic(order):
            return float(values[order].mean() * (1 + 1e-8 * noise.standard_normal()))

        assert p_value(statistic, Apart(10), [np.arange(10)], 50, np.random.default_rng(0)) == (1.0, 50)

    def test_what_is_not_finite_counts_against(self):
        calls = iter([1.0, *[math.nan] * 9])
        assert p_value(lambda _: next(calls), Apart(5), [np.arange(5)], 9, np.random.default_rng(0)) == (1.0, 9)

    def test_told_to_stop_it_says_how_many_there_were(self):
        found = p_value(lambda _: 0.0, Apart(5), [np.arange(5)], 99, np.random.default_rng(0), lambda: True)
        assert found == (1.0, 1)

    @pytest.mark.parametrize("digits", [8, 0])
    def test_p_values_of_independent_columns_are_even(self, digits):
        found = []
        for seed in range(400):
            rng = np.random.default_rng(seed)
            x, y = rng.standard_normal((2, 50)).round(digits)
            centred = y - y.mean()
            statistic = lambda order, x=x, y=centred: abs(float(x @ y[order]))  # noqa: E731
            found.append(p_value(statistic, Apart(50), [np.arange(50)], 19, rng)[0])
        assert 0.03 <= np.mean(np.array(found) <= 0.05) <= 0.07
        assert np.mean(found) == pytest.approx(0.52, abs=0.05)

    @pytest.mark.parametrize(
        ("estimator", "options"),
        [("ksg", {}), ("js", {"max_steps": 60}), ("flo", {"max_steps": 60}), ("pq", {"max_steps": 60})],
    )
    def test_dependence_is_found_by_every_kind(self, estimator, options):
        rng = np.random.default_rng(0)
        x = rng.standard_normal(400)
        pair = x, x + 0.5 * rng.standard_normal(400)
        one, same = (mistcli.estimate(pair, estimator=estimator, permutations=19, **options) for _ in range(2))
        assert (one.p_value, one.permutations) == (0.05, 19)
        assert one.p_value == same.p_value
        assert one.to_dict()["permutations"] == 19
        assert mistcli.estimate(pair, estimator=estimator, **options).p_value is None

    def test_few_permutations_are_warned_of_and_an_interrupt_is_told(self):
        pair = np.random.default_rng(0).standard_normal((2, 100))
        few = mistcli.estimate(tuple(pair), estimator="gaussian", permutations=9)
        assert "too_few_permutations" in few.verdict
        stopped = mistcli.estimate(tuple(pair), estimator="gaussian", permutations=99, should_stop=lambda: True)
        assert (stopped.complete, stopped.permutations) == (False, 1)
        assert "interrupted: the p-value rests on 1 permutations" in stopped.warnings
        assert "not_distinguishable_from_zero" in stopped.verdict


def variable(values, *, discrete=False):
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    levels = tuple(map(str, range(int(values.max()) + 1))) if discrete else None
    return Variable(tuple(f"c{k}" for k in range(values.shape[1])), values, (levels,) * values.shape[1])


NOISE = np.random.default_rng(0).standard_normal((4, 2000))
CODES = np.random.default_rng(1).integers(0, 6, 500)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (NOISE[0], NOISE[0] ** 3, True),
        (NOISE[0], NOISE[0] ** 2, True),
        (NOISE[0] ** 2, NOISE[0], True),
        (NOISE[0], np.sin(4 * NOISE[0]), True),
        (NOISE[0], np.exp(40 * NOISE[0]), True),
        (NOISE[:2].T, NOISE[0] * NOISE[1], True),
        (NOISE[0], NOISE[1], False),
        (NOISE[0], NOISE[0] + 0.05 * NOISE[1], False),
        (NOISE[0].round(1), (NOISE[0] + NOISE[1]).round(1), False),
        (NOISE[:3].T, NOISE[:3].sum(0) + 0.1 * NOISE[3], False),
    ],
)
def test_a_function_is_told_from_noise(x, y, expected):
    words = [word for word, _ in symptoms(variable(x), variable(y))]
    assert words == ["deterministic"] * expected


@pytest.mark.parametrize(("y", "sentence"), [(CODES // 2, "x determines y"), (np.roll(CODES, 1), None)])
def test_levels_that_determine_others(y, sentence):
    found = [text for _, text in symptoms(variable(CODES, discrete=True), variable(y, discrete=True))]
    assert len(found) == (sentence is not None)
    assert sentence is None or sentence in found[0]


def test_few_rows():
    x, y = variable(NOISE[0][:40]), variable(NOISE[1][:40])
    assert [word for word, _ in symptoms(x, y)] == ["too_few_rows"]
    wide = variable(NOISE[:, :40].T.repeat(10, 1)[:40])
    assert "too_few_rows" in [word for word, _ in symptoms(wide, y)]


def test_memory_is_not_seen_where_there_is_none():
    order = np.argsort(NOISE[0])
    groups = np.repeat([0.0, 5.0, 9.0, 14.0], 500)
    walk = NOISE.cumsum(1)
    tables = {
        "series": (walk[0], walk[1]),
        "shuffled": (NOISE[0], NOISE[0] + NOISE[1]),
        "sorted": (NOISE[0][order], (NOISE[0] + NOISE[1])[order]),
        "by group": (groups + NOISE[0], groups + NOISE[1]),
        "one side": (walk[0], NOISE[1]),
    }
    found = {name: [word for word, _ in memory(*map(variable, pair))] for name, pair in tables.items()}
    assert found == {name: ["series"] * (name == "series") for name in tables}


def test_the_words_of_an_estimate():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    assert mistcli.estimate((x, x**2), estimator="ksg").verdict == ("deterministic",)
    assert mistcli.estimate((x, rng.standard_normal(300)), estimator="gaussian").verdict == (
        "not_distinguishable_from_zero",
    )
    found = mistcli.estimate((x[:40], x[:40] + rng.standard_normal(40)), estimator="js", max_steps=20)
    assert {"lower_bound_only", "too_few_rows"} <= set(found.verdict)


@pytest.mark.parametrize(("nats", "correlation"), [(0.83037, 0.9), (-0.01, 0.0), (1e-12, 1.4e-6), (50.0, 1.0)])
def test_gaussian_correlation(nats, correlation):
    found = Estimate(nats, 0.1, Interval(0.95, 0.0, 1.0), "none", 10, "ksg", ("a",), ("b",))
    assert found.correlation == pytest.approx(correlation, rel=0.02)
    assert found.to_dict()["correlation"] == found.correlation
