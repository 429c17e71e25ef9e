"""Wide sides against independent truths: compression, pairs of components, variates, what is left, and all together."""

from functools import partial

import numpy as np
import pytest

from mistcli.auto.compression import (
    correlated_columns,
    independent_components,
    matrix,
    principal_components,
    sharpened,
    spectral_gaps,
)
from mistcli.auto.lower_bounds import of_critics
from mistcli.auto.pairing import Pairs, cells, information, paired, select_pairs
from mistcli.auto.variates import cross_fitted_variates, normal_dependence
from mistcli.auto.wide import is_wide, value_wide
from mistcli.config.schema import TrainingConfig
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import cross_fitting
from mistcli.errors import DataError
from mistcli.inference.interval import stderr
from mistcli.training.composite import Context, Valuation
from mistcli.training.events import Listener


def variable(values, levels=None):
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    d = values.shape[1]
    return Variable(tuple(f"c{i}" for i in range(d)), values, (levels,) * d)


def context(n, **training):
    config = TrainingConfig(**training)
    folds = cross_fitting(n, config.folds, config.valid_fraction, np.random.default_rng(0))
    return Context(config, folds, partial(stderr), 0, Listener(), lambda: False)


def spread(log_ratio):
    return float(log_ratio.std() / len(log_ratio) ** 0.5)


def nothing(x, y, context):
    return Valuation(np.zeros(len(x.values)), 0.001, lambda order: 0.0)


def patches(n, m, flip, rng, width=8):
    """m binary labels a side that differ with probability `flip`, each seen in `width` noisy columns."""
    c = rng.choice([-1.0, 1.0], (n, m))
    d = np.where(rng.random((n, m)) < flip, -c, c)
    sides = (np.repeat(labels, width, axis=1) + rng.standard_normal((n, m * width)) for labels in (c, d))
    return (*sides, m * (np.log(2) + flip * np.log(flip) + (1 - flip) * np.log(1 - flip)))


def latent_normals(n, d, k, r, rng):
    """k pairs of normals of correlation r, mixed into d columns a side with little noise."""
    a = rng.standard_normal((n, k))
    b = r * a + (1 - r * r) ** 0.5 * rng.standard_normal((n, k))
    sides = (side @ rng.standard_normal((k, d)) + 0.3 * rng.standard_normal((n, d)) for side in (a, b))
    return (*sides, -0.5 * k * np.log(1 - r * r))


def test_the_matrix_leaves_constants_out_limits_outliers_and_has_a_column_for_each_level():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.standard_cauchy(1000), np.ones(1000), rng.integers(0, 3, 1000)])
    found = matrix(Variable(("a", "b", "c"), values, (None, None, ("u", "v", "w"))))
    assert found.shape == (1000, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-5)
    assert np.abs(found[:, 0]).max() < 15


def test_a_rare_value_of_a_column_is_kept():
    values = np.zeros(1000)
    values[:3] = 7.0
    assert matrix(variable(values)).shape == (1000, 1)


@pytest.mark.parametrize(("n", "d"), [(400, 50), (100, 300), (1100, 1100)])
def test_principal_components_are_those_of_the_covariance(n, d):
    rng = np.random.default_rng(1)
    columns = rng.standard_normal((n, 3)) @ (rng.standard_normal((3, d)) * [[5], [3], [2]]) + rng.standard_normal(
        (n, d)
    )
    columns = (columns - columns.mean(0)).astype(np.float32)
    found = principal_components(columns, 0).first(3)
    left, s, right = np.linalg.svd(columns.astype(float), full_matrices=False)
    np.testing.assert_allclose(found.variances, s[:3] ** 2 / n, rtol=1e-3)
    np.testing.assert_allclose(np.abs((found.scores.T @ left[:, :3]) / n**0.5), np.eye(3), atol=1e-2)
    np.testing.assert_allclose(np.abs(right[:3] @ found.loadings), np.eye(3), atol=1e-2)


def test_copies_of_columns_make_no_component():
    column = np.random.default_rng(2).standard_normal((500, 2)).astype(np.float32)
    assert principal_components(np.tile(column - column.mean(0), 30), 0).scores.shape == (500, 2)


def test_binary_sources_are_found_and_their_modes_parted():
    rng = np.random.default_rng(3)
    x, _, _ = patches(4000, 20, 0.1, rng)
    labels = np.sign(x.reshape(4000, 20, 8).sum(2))
    principal = principal_components(matrix(variable(x)), 0)
    assert 20 in spectral_gaps(principal.variances)
    found = sharpened(principal, independent_components(principal.first(20)))
    best = np.abs(np.corrcoef(labels.T, found.T)[:20, 20:]).max(1)
    assert best.min() > 0.92


def test_correlated_columns_are_none_of_independent_sides():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 500, 200)).astype(np.float32)
    assert [len(places) for places in correlated_columns(x, y, 0)] == [0, 0]


def test_classes_keep_equal_values_together_and_unequal_ones_apart():
    column = np.repeat([0.0, 1.0], [10, 90])
    np.random.default_rng(0).shuffle(column)
    found = cells(column[:, None], 4)
    assert found.counts.tolist() == [2]
    assert len({*zip(column, found.codes[:, 0], strict=True)}) == 2


def test_independent_components_give_no_pair_more_often_than_the_level():
    rng = np.random.default_rng(5)
    count = 0
    for _ in range(40):
        count += bool(select_pairs(*(cells(rng.standard_normal((500, 12)), 4) for _ in range(2))))
    assert count <= 2


def test_information_is_unbiased_under_independence():
    rng = np.random.default_rng(6)
    found, _ = information(*(cells(rng.standard_normal((1000, 40)), 4) for _ in range(2)))
    assert abs(found.mean()) < 4 * (9 / 2) ** 0.5 / 1000 / 40


def test_a_pair_that_repeats_another_is_not_counted_again():
    rng = np.random.default_rng(7)
    x, noise = rng.standard_normal((2, 3000, 1))
    y = 0.8 * x + 0.6 * noise
    found = paired(np.hstack([x, 2 * x]), np.hstack([y, -y]), spread)
    assert len(found.pairs) == 1
    assert found.log_ratio.mean() == pytest.approx(0.5108, abs=0.05)


@pytest.mark.parametrize("order", [1, -1])
def test_pairs_tell_more_of_the_pairs_as_they_are_than_of_shuffled_ones(order):
    rng = np.random.default_rng(8)
    x, noise = rng.standard_normal((2, 2000, 5))
    found = paired(x, order * x + noise, spread)
    rows = np.arange(2000)
    assert found.dependence(rows) > 1 > 0.05 > found.dependence(rng.permutation(rows))


def test_variates_of_independent_sides_are_none_and_those_of_others_are_found():
    rng = np.random.default_rng(9)
    x, y = rng.standard_normal((2, 2000, 60))
    folds = context(2000).folds
    assert cross_fitted_variates(x, y, folds).x.shape == (2000, 0)
    y[:, 50] += 2 * x[:, 40]
    found = cross_fitted_variates(x, y, folds)
    assert found.x.shape[1] >= 1
    assert np.corrcoef(found.x[:, 0], found.y[:, 0])[0, 1] == pytest.approx(0.8**0.5, abs=0.06)


def test_normal_dependence_is_known_where_no_direction_can_be_told():
    rng = np.random.default_rng(10)
    a, noise = rng.standard_normal((2, 3000, 60))
    weak = 0.15 * a + (1 - 0.15**2) ** 0.5 * noise
    found = normal_dependence(a, weak, [60])
    assert found.log_ratio.mean() == pytest.approx(-30 * np.log(1 - 0.15**2), abs=3 * found.error)
    assert normal_dependence(a, noise, [60]) is None
    rows = np.arange(3000)
    assert found.dependence(rows) > found.dependence(rng.permutation(rows)) + 0.3


def test_one_bit_spread_over_many_patches_is_found():
    x, y, truth = patches(6000, 25, 0.38, np.random.default_rng(12))
    found = value_wide(variable(x), variable(y), context(6000), nothing)
    assert found.explanation["method"] == "components"
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.12)
    assert found.stderr < 0.03


def test_normals_spread_over_many_columns_are_found():
    x, y, truth = latent_normals(3000, 200, 30, 0.25, np.random.default_rng(13))
    found = value_wide(variable(x), variable(y), context(3000), nothing)
    assert found.explanation["method"] == "normal"
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.12)


def test_one_column_of_many_is_found():
    rng = np.random.default_rng(14)
    x, y = rng.standard_normal((2, 1000, 150))
    y[:, 3] = 0.8 * x[:, 70] + 0.6 * y[:, 3]
    found = value_wide(variable(x), variable(y), context(1000), nothing)
    assert found.log_ratio.mean() == pytest.approx(0.5108, abs=0.09)


@pytest.mark.parametrize(("n", "d"), [(3000, 100), (200, 800)])
def test_independent_wide_sides_have_no_information(n, d):
    rng = np.random.default_rng(15)
    seen = []

    def few(x, y, context):
        seen.append((x.values.shape, y.values.shape))
        return nothing(x, y, context)

    found = value_wide(*(variable(rng.standard_normal((n, d))) for _ in range(2)), context(n), few)
    assert abs(found.log_ratio.mean()) < 0.01
    assert all(shape[1] <= 10 for shapes in seen for shape in shapes)


def test_a_side_of_few_columns_is_valued_as_it_is():
    rng = np.random.default_rng(16)
    label = rng.integers(0, 3, 1500)
    x = rng.standard_normal((1500, 80)) + 2 * np.eye(3)[label] @ rng.standard_normal((3, 80))
    y = variable(label, ("a", "b", "c"))
    seen = []

    def few(x, y, context):
        seen.append(y)
        return nothing(x, y, context)

    value_wide(variable(x), y, context(1500), few)
    assert seen == [y]


def test_variates_that_are_mixtures_are_valued_by_critics():
    x, y, truth = patches(2000, 6, 0.02, np.random.default_rng(17))
    found = value_wide(variable(x), variable(y), context(2000, folds=2, max_steps=60), nothing)
    assert "critics of variates" in found.explanation["bounds"]
    assert found.log_ratio.mean() == pytest.approx(truth, abs=0.5)


def test_critics_of_variates_tell_pairs_from_shuffled_ones():
    rng = np.random.default_rng(18)
    x, noise = rng.standard_normal((2, 1500, 2))
    found = of_critics(x, 0.8 * x + 0.6 * noise, context(1500, folds=2, max_steps=200))
    assert found.nats == pytest.approx(1.02, abs=0.35)
    rows = np.arange(1500)
    assert found.statistic(rows) > found.statistic(rng.permutation(rows)) + 0.5


def test_a_constant_side_is_refused():
    x = np.random.default_rng(19).standard_normal((100, 60))
    with pytest.raises(DataError, match="all of its columns are constant"):
        value_wide(variable(x), variable(np.ones((100, 1))), context(100), nothing)


def test_wide_is_more_than_fifty_columns():
    assert not is_wide(variable(np.zeros((3, 50))), variable(np.zeros((3, 1))))
    assert is_wide(variable(np.zeros((3, 1))), variable(np.zeros((3, 51))))


def test_rounded_columns_are_valued_by_tables():
    rng = np.random.default_rng(20)
    label = rng.choice([-1.0, 1.0], (3000, 1))
    x, y = ((label + 0.1 * rng.standard_normal((3000, 1))).astype(np.float16).astype(np.float32) for _ in range(2))
    found = paired(x, y, spread)
    assert found.pairs[0].method != "ksg"
    assert found.log_ratio.mean() == pytest.approx(np.log(2), abs=0.1)


def test_the_normaliser_of_independent_pairs_is_0_and_that_of_repeated_ones_is_not():
    rng = np.random.default_rng(21)
    x, noise = rng.standard_normal((2, 4000, 2))
    found = paired(x, x + noise, spread)
    constant, error = found.log_normalizer()
    assert abs(constant) < 4 * error + 0.01
    twice = Pairs([*found.pairs, *found.pairs], found.x, found.y)
    assert twice.log_normalizer()[0] > 0.3
