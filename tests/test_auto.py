"""The parts of `auto` against independent truths, and what it does with data of each kind."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from mistcli.auto.canonical import canonical, expanded
from mistcli.auto.copula import fit_base
from mistcli.auto.estimator import Auto
from mistcli.auto.features import features
from mistcli.auto.ica import blocks, information, unmixed
from mistcli.auto.neighbours import neighbours
from mistcli.auto.normalization import log_normaliser, log_partition
from mistcli.auto.residual import Judged
from mistcli.auto.stacking import stack, trust
from mistcli.benchmark import problems
from mistcli.config.schema import TrainingConfig
from mistcli.critics import JointCritic
from mistcli.critics.elliptical import EllipticalCritic
from mistcli.critics.residual import ResidualCritic
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold, cross_fitting
from mistcli.estimators import TCopula
from mistcli.inference.interval import stderr
from mistcli.training.composite import Context
from mistcli.training.events import Listener

QUICK = TrainingConfig(folds=3, max_steps=40, batch_size=128)


def variable(values, levels=None):
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    d = values.shape[1]
    return Variable(tuple(f"c{i}" for i in range(d)), values, (levels,) * d)


def context(n, training=QUICK, seed=0, should_stop=lambda: False, **more):
    folds = cross_fitting(n, training.folds, training.valid_fraction, np.random.default_rng(seed))
    return Context(training, folds, partial(stderr), seed, Listener(), should_stop, **more)


def spun(n, seed=0):
    """Two pairs of normals, x turned by an angle that grows with its radius; 2 x -log(1 - 0.64) / 2 nats."""
    rng = np.random.default_rng(seed)
    x, noise = rng.standard_normal((2, n, 2))
    y = 0.8 * x + 0.6 * noise
    angle = np.square(x).sum(1)
    turned = np.stack(
        [np.cos(angle) * x[:, 0] - np.sin(angle) * x[:, 1], np.sin(angle) * x[:, 0] + np.cos(angle) * x[:, 1]], 1
    )
    return turned, y, -np.log(0.36)


@pytest.mark.parametrize("nu", [3.0, float("inf")])
def test_elliptical_critic_is_the_log_ratio_of_densities(nu):
    rng = np.random.default_rng(1)
    a = rng.standard_normal((5, 5))
    r = np.cov(a @ rng.standard_normal((5, 200)))
    z = rng.standard_normal((50, 5))

    def log_density(columns):
        cov, part = r[np.ix_(columns, columns)], z[:, columns]
        if np.isinf(nu):
            return stats.multivariate_normal(cov=cov).logpdf(part)
        return stats.multivariate_t(shape=cov, df=nu).logpdf(part)

    expected = log_density([0, 1, 2, 3, 4]) - log_density([0, 1]) - log_density([2, 3, 4])
    found = EllipticalCritic(torch.from_numpy(r), 2, nu)(torch.from_numpy(z[:, :2]), torch.from_numpy(z[:, 2:]))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-9)


def test_residual_critic_adds_its_parts():
    start = EllipticalCritic(torch.tensor([[1.0, 0.5], [0.5, 1.0]]), 1, float("inf"))
    net = JointCritic(2, 3, hidden_dims=(4,), generator=torch.Generator().manual_seed(0))
    x, y = torch.randn(6, 3), torch.randn(6, 4)
    whole = ResidualCritic(start, net, 1, 1)(x, y)
    torch.testing.assert_close(whole, start(x[:, :1], y[:, :1]) + net(x[:, 1:], y[:, 1:]))


def test_stacking_finds_the_weights_of_logistic_regression():
    rng = np.random.default_rng(2)
    pos, neg = rng.standard_normal((2, 500, 2)) + 0.4, rng.standard_normal((2, 500, 4, 2)) - 0.4
    judged = [Judged(np.zeros(500), np.zeros((500, 4)), pos[1][:, k] + k, neg[1][..., k]) for k in range(2)]

    def loss(w):
        above = sum(weight * one.pos for weight, one in zip(w, judged, strict=True))
        below = sum(weight * one.neg for weight, one in zip(w, judged, strict=True))
        return np.logaddexp(0, -above).mean() + np.logaddexp(0, below).mean()

    best = optimize.minimize(loss, [0.5, 0.5], bounds=[(0, None)] * 2)
    np.testing.assert_allclose(stack(judged).weights, best.x, atol=0.02)


def test_stacking_readmits_a_critic_whose_weight_was_0():
    """Critics that share their noise, with opposite signs: each alone is poor, and both together are right."""
    rng = np.random.default_rng(6)
    for _ in range(5):
        pos, neg = rng.normal(1, 2**0.5, 400), rng.normal(-1, 2**0.5, (400, 4))
        noise_pos, noise_neg = rng.standard_normal(400), rng.standard_normal((400, 4))
        signs = (4.0, -4.0, 1.0)
        judged = [Judged(0 * pos, 0 * neg, pos + k * noise_pos, neg + k * noise_neg) for k in signs]

        def loss(w, judged=judged):
            above = sum(weight * one.pos for weight, one in zip(w, judged, strict=True))
            below = sum(weight * one.neg for weight, one in zip(w, judged, strict=True))
            prior = np.square(w - 1 / 3).sum() / 800
            return np.logaddexp(0, -above).mean() + np.logaddexp(0, below).mean() + prior

        found = np.array(stack(judged).weights)
        least = min(
            optimize.minimize(loss, start, bounds=[(0, None)] * 3).fun for start in (np.full(3, 0.3), np.ones(3))
        )
        assert loss(found) < least + 1e-6


def test_stacking_gives_nothing_to_a_critic_that_is_wrong():
    rng = np.random.default_rng(3)
    good = Judged(np.zeros(500), np.zeros((500, 4)), rng.normal(1, 1, 500), rng.normal(-1, 1, (500, 4)))
    wrong = Judged(good.base_pos, good.base_neg, -good.pos, rng.normal(0, 1, (500, 4)))
    weights = stack([good, wrong]).weights
    assert weights[0] > 0.5
    assert weights[1] == 0


def test_base_measures_dependence_by_what_changes_with_the_order():
    rng = np.random.default_rng(4)
    x, noise = rng.standard_normal((2, 1000, 2))
    base = fit_base(variable(x), variable(x + noise), 0)
    own = base.dependence(np.arange(1000))
    assert own > max(base.dependence(rng.permutation(1000)) for _ in range(20))


def test_no_base_of_columns_that_follow_from_others():
    x = np.random.default_rng(5).standard_normal((100, 1))
    assert fit_base(variable(x), variable(2 * x), 0) is None
    assert fit_base(variable(x), variable(x > 0, ("no", "yes")), 0) is None


def test_no_base_that_misleads():
    """Two normals through 30 curved columns: their ranks follow from each other, nearly, but not as normals do."""
    rng = np.random.default_rng(11)
    x, noise = rng.standard_normal((2, 2000, 1))
    y = 0.6 * x + 0.8 * noise
    phases, speeds = rng.uniform(0, 6, 30), rng.standard_normal(30)
    wide = [np.cos(side @ speeds[None] + phases) + 1e-3 * rng.standard_normal((2000, 30)) for side in (x, y)]
    truth = -np.log(0.64) / 2
    assert abs(TCopula().fit_log_ratio(*map(torch.from_numpy, wide)).mean() - truth) > 1
    assert fit_base(variable(wide[0]), variable(wide[1]), 0) is None


def test_what_is_normal_and_nearly_deterministic_is_not_blurred_by_ranks():
    rng = np.random.default_rng(12)
    x, noise = rng.standard_normal((2, 4000, 1))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    hidden = [np.hstack([side, rng.standard_normal((4000, 2))]) for side in (x, x + 0.01 * noise)]
    base = fit_base(*(variable(side @ turn) for side in hidden), 0)
    assert base.log_ratio.mean() == pytest.approx(np.log1p(1e4) / 2, abs=0.1)
    outlier = np.where(np.arange(4000) == 0, 100.0, x[:, 0])
    assert base_of(outlier, noise[:, 0]).x.max() < 5  # by ranks


def base_of(x, y):
    return fit_base(variable(x), variable(y), 0)


# --- columns taken apart, and neighbours ------------------------------------------------------------------


def waves(n, seed=0):
    """Three sines, each side rotated, and what they share."""
    problem = problems()["rotated-sine-3v3"]
    return *problem.sample(n, seed), problem.mi


def test_mixed_columns_are_unmixed():
    source = np.random.default_rng(0).uniform(size=(3000, 4)) ** [1, 2, 1, 3]
    found = unmixed(source @ np.random.default_rng(1).standard_normal((4, 4)))
    alike = np.abs(np.corrcoef(source.T, found.T)[:4, 4:])
    assert (alike.max(1) > 0.98).all()
    np.testing.assert_allclose(found.T @ found / 3000, np.eye(4), atol=1e-6)
    assert unmixed(np.hstack([source, source[:, :1]])).shape[1] == 4


def test_the_information_of_columns_is_that_of_their_table():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 960, 3))
    y[:, 1] += 2 * x[:, 2]
    found, sure = information(x, y)
    ranks = [(side.argsort(0).argsort(0) * 8 // 960).astype(int) for side in (x, y)]
    table = np.histogram2d(ranks[0][:, 2], ranks[1][:, 1], bins=8)[0] / 960
    expected = stats.entropy(table.ravel(), np.full(64, 1 / 64)) - 49 / 2 / 960
    assert found[2, 1] == pytest.approx(expected)
    assert np.argwhere(sure > 6).tolist() == [[2, 1]]


def test_blocks_hold_what_depends_on_each_other_directly_or_not():
    rng = np.random.default_rng(3)
    a, b, c, d = rng.standard_normal((4, 3000))
    x = np.stack([a, b, c], 1)
    y = np.stack([d, a + 0.3 * d, b + 0.5 * rng.standard_normal(3000)], 1)
    found = [(i.tolist(), j.tolist()) for i, j in blocks(x, y).pairs]
    assert found == [([0], [0, 1]), ([1], [2])]
    assert blocks(x, rng.standard_normal((3000, 2))).size == 0


def test_neighbours_are_asked_in_blocks_of_unmixed_columns():
    x, y, truth = waves(3000)
    found = neighbours(variable(x), variable(y), context(3000))
    assert found.unmixed
    assert found.told()["blocks"] == "1 x 1, 1 x 1, 1 x 1"
    assert found.log_ratio.mean() == pytest.approx(truth, abs=4 * found.stderr)
    torn = np.random.default_rng(4).permutation(3000)
    assert found.blocks.dependence(np.arange(3000)) > 10 * abs(found.blocks.dependence(torn))
    assert neighbours(variable(x), variable(y), context(3000, independent=False)) is None
    assert neighbours(variable(np.round(x)), variable(y), context(3000)) is None


def test_canonical_variates_see_a_rotation_by_the_radius():
    x, y, _ = spun(3000)
    sides = [expanded(variable(side)) for side in (x, y)]
    fold = Fold(0, np.arange(1500), np.arange(1500, 2000), np.arange(2000, 3000))
    (u, v), *_ = canonical(*sides, [fold])
    unseen = [np.corrcoef(u[fold.test, k], v[fold.test, k])[0, 1] for k in range(2)]
    plain = np.abs(np.corrcoef(x.T, y.T)[:2, 2:]).max()
    assert min(unseen) > plain + 0.1


def test_no_canonical_variates_of_independent_columns():
    x, y = np.random.default_rng(6).standard_normal((2, 2000, 3))
    fold = Fold(0, np.arange(1000), np.arange(1000, 1500), np.arange(1500, 2000))
    assert sum(u.shape[1] for u, _ in canonical(x, y, [fold])) <= 1


def test_a_variate_that_is_constant_does_not_hold_and_warns_of_nothing():
    x = np.random.default_rng(6).standard_normal((2000, 2))
    fold = Fold(0, np.arange(1000), np.arange(1000, 1500), np.arange(1500, 2000))
    level = (x[:, :1] > 0) - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [(u, v)] = canonical(x, np.hstack([level, -level]), [fold])
    assert u.shape[1] == v.shape[1] == 1


def test_features_hold_indicators_of_levels_and_the_radius():
    mixed = Variable(("a", "b"), np.array([[0.1, 0], [0.5, 1], [0.3, 2], [0.9, 1]]), (None, ("u", "v", "w")))
    assert features(mixed, "normal").shape == (4, 1 + 3 + 1)
    assert features(variable([0, 1, 1, 0], ("u", "v")), "normal").shape[1] in (1, 2)


# --- what makes scores log ratios -------------------------------------------------------------------------


@pytest.mark.parametrize("swapped", [False, True])
def test_the_partition_makes_ratios_of_the_levels_of_a_side(swapped):
    rng = np.random.default_rng(13)
    level, z = rng.integers(0, 3, 300), rng.standard_normal(300)
    share = np.bincount(level) / 300
    sides = variable(z), variable(level, ("a", "b", "c"))

    def score(x, y):
        x, y = (y, x) if swapped else (x, y)
        return z[x] * level[y] + 5  # of a level, whatever the rows it is seen in

    found = log_partition(*(sides[::-1] if swapped else sides), score)
    of_level = [np.exp(z * k + 5 - found) * share[k] for k in range(3)]
    np.testing.assert_allclose(np.sum(of_level, 0), 1)
    assert log_partition(variable(z), variable(z), score) is None
    assert log_partition(variable(z), variable(np.arange(300), tuple(map(str, range(300)))), score) is None


@pytest.mark.parametrize("more", [0.0, 0.7])
def test_the_normaliser_is_what_scores_have_too_much(more):
    rng = np.random.default_rng(14)
    x, noise = rng.standard_normal((2, 3000))
    y = 0.6 * x + 0.8 * noise

    def score(i, j):  # the log ratio of these normals
        a, b = x[i], y[j]
        return more - np.log(0.64) / 2 - ((0.36 * (a**2 + b**2) - 1.2 * a * b) / 0.64) / 2

    constant, error = log_normaliser(score, context(3000).folds)
    assert 0 < error < 0.1
    assert constant == pytest.approx(more, abs=4 * error)
    assert log_normaliser(score, [Fold(0, np.arange(0), np.arange(0), np.array([0]))]) == (0.0, np.inf)


def test_trust_is_none_where_a_value_is_noise():
    assert trust(1.0, 0.0) == 1
    assert trust(-1.0, 0.1) == pytest.approx(0.98)
    assert trust(0.1, 0.2) == trust(0.0, 1.0) == 0


def test_it_finds_waves_in_mixed_columns_by_neighbours_in_blocks():
    x, y, truth = waves(2000)
    found = Auto().value(variable(x), variable(y), context(2000))
    assert found.explanation["blocks"]["blocks"] == "1 x 1, 1 x 1, 1 x 1"
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.1)


@pytest.mark.parametrize("kind", ["continuous", "mixed", "columns"])
def test_knows_dependence_from_independence(kind):
    rng = np.random.default_rng(8)
    x = rng.standard_normal((1200, 2 if kind == "columns" else 1))
    y = x[:, 0] + rng.standard_normal(1200)
    if kind == "mixed":
        sides = variable(x), variable(y > 0, ("no", "yes"))
        truth = 0.2  # at least, and at most log 2
    else:
        sides, truth = (variable(x), variable(y)), 0.3466
    found = Auto().value(*sides, context(1200))
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.12)
    apart = rng.permutation(1200)
    torn = Variable(sides[1].names, sides[1].values[apart], sides[1].levels)
    none = Auto().value(sides[0], torn, context(1200))
    assert abs(none.log_ratio.mean()) < 0.03
    assert found.statistic(np.arange(1200)) > max(found.statistic(rng.permutation(1200)) for _ in range(5))


@pytest.mark.parametrize("swapped", [False, True])
def test_a_row_tells_of_a_level_at_most_what_there_is_to_tell(swapped):
    rng = np.random.default_rng(10)
    level = rng.integers(0, 3, 600)
    sides = variable(4 * level + rng.standard_normal(600)), variable(level, ("a", "b", "c"))
    found = Auto().value(*(sides[::-1] if swapped else sides), context(600))
    unexplained = -np.log(np.bincount(level)[level] / 600)
    assert (found.log_ratio <= unexplained + 0.01).all()
    assert found.log_ratio.mean() == pytest.approx(1.0180, abs=0.03)  # by quadrature
    assert found.limits == (0.0, pytest.approx(np.log(3)))


def test_learns_what_a_copula_cannot_see():
    x, y, truth = spun(4000)
    found = Auto().value(variable(x), variable(y), context(4000, TrainingConfig(folds=3, max_steps=150)))
    assert found.explanation["closed_form"]["copula"]["mi"] < truth - 0.4
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.25)
    assert {one["view"] for one in found.explanation["critics"]["critics"]} == {"normal", "canonical", "standard"}
    assert found.explanation["method"] == "closed_forms_and_critics"


def test_same_seed_same_bits_and_nothing_touched():
    rng = np.random.default_rng(9)
    x, y = rng.standard_normal((2, 300, 2))
    before, state = x.copy(), torch.random.get_rng_state()
    first, second = (Auto().value(variable(x), variable(y), context(300)) for _ in range(2))
    np.testing.assert_array_equal(first.log_ratio, second.log_ratio)
    np.testing.assert_array_equal(x, before)
    assert torch.equal(state, torch.random.get_rng_state())


def test_told_to_stop_it_answers_with_what_it_has():
    x, y, _ = spun(1000)
    found = Auto().value(variable(x), variable(y), context(1000, should_stop=lambda: True))
    assert not found.complete
    assert np.isfinite(found.log_ratio).all()


def test_one_row_too_few_for_a_copula_is_no_failure():
    x, y = np.random.default_rng(10).standard_normal((2, 24, 30))
    found = Auto().value(variable(x), variable(y), context(24, TrainingConfig(folds=2, max_steps=5)))
    assert np.isfinite(found.log_ratio).all()
    assert np.isfinite(found.stderr)
