from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mistcli import estimate
from mistcli.benchmark.parts import channel_information, merged_information, monte_carlo
from mistcli.benchmark.quadrature import table_information
from mistcli.benchmark.random_noise import LOG_NORMAL_SIZE, NOISES, noisy_information
from mistcli.benchmark.random_sides import MAPS, random_side
from mistcli.benchmark.random_tables import FAMILIES, named_task, random_task, random_tasks

MAKERS = {make.__name__: make for make, _ in FAMILIES}
DRAWS = 400_000


def numbered(side, cells):
    """Number the values of one or more columns: as they are where few, else by quantiles, atoms kept apart."""
    if side.shape[1] > 1:
        _, found = np.unique(side, axis=0, return_inverse=True)
        return found.ravel()
    column = side.ravel()
    values, found = np.unique(column, return_inverse=True)
    if len(values) <= 2 * cells:
        return found
    atoms = values[np.bincount(found) > len(column) / (4 * cells)]
    edges = np.unique(np.concatenate([np.quantile(column, np.arange(1, cells) / cells), atoms]))
    return np.searchsorted(edges, column) + np.isin(column, atoms) * (len(edges) + 1)


def by_counting(x, y, cells=64):
    """The mutual information of the numbered cells, corrected for the number of cells (Miller and Madow, 1955)."""
    (_, a), (_, b) = (np.unique(side, return_inverse=True) for side in (numbered(x, cells), numbered(y, cells)))
    table = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1)).reshape(a.max() + 1, -1)
    seen = (table > 0).sum() - (table.sum(1) > 0).sum() - (table.sum(0) > 0).sum() + 1
    return table_information(table / len(a)) - seen / (2 * len(a))


def parts_of(name, count, fits, *, seed=0):
    """The first parts of a family that `fits` accepts."""
    found = []
    for index in range(400):
        made = MAKERS[name](np.random.default_rng([seed, index]))
        if fits(made):
            found.append(made)
        if len(found) == count:
            break
    return found


def countable(made):
    """Whether by_counting tells the truth: each side one column, or a few of levels."""
    sides = (made.x, made.y)
    return all(len(side) == 1 or (set(side) == {"levels"} and len(side) < 6) for side in sides)


def check_by_counting(name, count, seed, cells):
    found = parts_of(name, count, lambda made: countable(made) and made.truth[0] < 1.5, seed=seed)
    assert found
    for made in found:
        x, y = made.draw(np.random.default_rng(1), DRAWS * cells // 64)
        value, error = made.truth
        assert error < 0.002
        # Cells lose up to a few percent where the dependence is strong.
        assert by_counting(x, y, cells) == pytest.approx(value, abs=0.008 + 0.05 * value), made.summary


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_truth_of_one_column_a_side_is_that_of_counting_cells(name):
    check_by_counting(name, 1, 0, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_truth_of_more_parameters_is_that_of_counting_cells(name):
    check_by_counting(name, 8, 1, 192)


@pytest.mark.parametrize("name", ["factors", "linear_channel"])
def test_normal_columns_by_their_covariance(name):
    for made in parts_of(name, 3, lambda made: len(made.x) > 1 and len(made.y) > 1):
        x, y = made.draw(np.random.default_rng(0), 100_000)
        blocks = (x, y, np.c_[x, y])
        a, b, both = (np.linalg.slogdet(np.atleast_2d(np.cov(block.T)))[1] for block in blocks)
        assert (a + b - both) / 2 == pytest.approx(made.truth[0], abs=0.01)


def test_student_columns_are_normal_ones_over_a_common_scale():
    for made in parts_of("student_factors", 3, lambda made: len(made.x) + len(made.y) < 5):
        found = estimate(made.draw(np.random.default_rng(0), 20_000), estimator="t_copula")
        assert found.nats == pytest.approx(made.truth[0], abs=0.04)


def test_classes_by_the_logistic_loss_of_the_right_model():
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    def normal(made):
        return made.summary.endswith("(normal)") and len(made.x) > 1

    models = {
        "logistic": (LogisticRegression(C=1e6), lambda made: len(made.x) > 1),
        "class_columns": (GaussianNB(), normal),
    }
    for name, (model, fits) in models.items():
        for made in parts_of(name, 3, fits):
            x, y = made.draw(np.random.default_rng(0), 60_000)
            model.fit(x[:30_000], y[:30_000].ravel())
            posterior = model.predict_proba(x[30_000:])
            label = np.searchsorted(model.classes_, y[30_000:].ravel())
            gain = np.log(posterior[np.arange(30_000), label]) - np.log(posterior.mean(0)[label])
            assert gain.mean() == pytest.approx(made.truth[0], abs=4 * gain.std() / math.sqrt(30_000) + 0.004), (
                made.summary
            )


@pytest.mark.parametrize("name", ["additive", "multiplicative", "mixture", "hurdle", "counts"])
def test_several_columns_by_neighbours(name):
    """Neighbours fall short of the truth in several columns, so they are compared where the dependence is moderate."""
    found = parts_of(name, 2, lambda made: len(made.x) == 2 and len(made.y) == 1 and 0.05 < made.truth[0] < 0.7)
    assert found
    for made in found:
        nats = estimate(made.draw(np.random.default_rng(0), 6000), estimator="mixed_ksg", transform="normal").nats
        assert nats == pytest.approx(made.truth[0], abs=0.12), made.summary


@pytest.mark.parametrize("name", [*NOISES, "log size"])
def test_a_signal_with_noise_by_monte_carlo(name):
    noise = NOISES.get(name, LOG_NORMAL_SIZE)
    rng = np.random.default_rng(0)
    signal = rng.choice([-1.0, 0.0, 0.5, 2.0], 60_000)
    sent, scale = signal[:, None], 0.7
    y = sent + scale * noise.draw(rng, (60_000, 1))
    width = 1e-3
    density = (
        noise.cdf((y - [-1, 0, 0.5, 2] + width) / scale) - noise.cdf((y - [-1, 0, 0.5, 2] - width) / scale)
    ) / width
    own = density[np.arange(60_000), np.searchsorted([-1, 0, 0.5, 2], signal)]
    log_ratio = np.log(own) - np.log(density.mean(1))
    within = 4 * log_ratio.std() / math.sqrt(len(y)) + 2e-3
    assert noisy_information(signal, noise, scale) == pytest.approx(log_ratio.mean(), abs=within)


def test_noise_has_the_distribution_function_that_it_says():
    rng = np.random.default_rng(0)
    for noise in (*NOISES.values(), LOG_NORMAL_SIZE):
        assert stats.kstest(noise.draw(rng, (20_000,)), noise.cdf).pvalue > 1e-4
        assert 1 - np.diff(noise.cdf(np.array(noise.reach)))[0] < 2e-9


def test_information_of_channels_and_merged_cells():
    assert channel_information(np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])) == pytest.approx(0.3680642)
    joint = np.random.default_rng(0).dirichlet(np.ones(20)).reshape(4, 5)
    first, second = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1, 2])
    merged = np.add.reduceat(np.add.reduceat(joint, [0, 2, 3], 0), [0, 1, 4], 1)
    assert merged_information(joint, first, second) == pytest.approx(table_information(merged))


def test_monte_carlo_stops_at_its_error():
    value, error = monte_carlo(lambda rng, n: rng.normal(0.3, 0.5, n), 3)
    assert error < 0.001
    assert value == pytest.approx(0.3, abs=5 * error)


# --- tables -----------------------------------------------------------------------------------------------


def test_tables_are_as_they_are_declared():
    for task in random_tasks(5, 120):
        x, y = task.sample(task.rows, 0)
        assert 30 <= task.rows <= 20_000
        for side, dim, kind, levels in (
            (x, task.x_dim, task.x_kind, task.x_discrete),
            (y, task.y_dim, task.y_kind, task.y_discrete),
        ):
            assert side.shape == (task.rows, dim)
            assert 1 <= dim <= 60
            assert np.isfinite(side).all()
            assert kind == {0: "continuous", dim: "discrete"}.get(len(levels), "mixed")
            assert (side.dtype.kind == "i") == (kind == "discrete")
            assert np.array_equal(side[:, levels], np.round(side[:, levels]))
            assert all(4 * len(np.unique(side[:, k])) <= max(task.rows, 60) for k in levels)


def test_tables_depend_on_seed_and_index_alone():
    one, same, other = random_task(1, 2), random_task(1, 2), random_task(2, 1)
    assert (one.name, one.summary, one.rows) == (same.name, same.summary, same.rows)
    assert all(np.array_equal(a, b) for a, b in zip(one.sample(50, 0), same.sample(50, 0), strict=True))
    assert one.summary != other.summary
    assert named_task("random-1-2").summary == one.summary
    assert named_task("random-1-x") is None
    assert random_tasks(1, 3)[2].summary == one.summary


def test_tables_are_spread_as_documented():
    tasks = random_tasks(7, 600)
    independent = [task for task in tasks if task.family.startswith("independent ")]
    assert all(task.mi == task.mi_stderr == 0 for task in independent)
    assert all(0 <= task.mi < 8 and task.mi_stderr < 0.002 for task in tasks[:60])
    assert len(independent) / 600 == pytest.approx(1 / 6, abs=0.06)
    assert 150 < np.median([task.rows for task in tasks]) < 600
    families = {part for task in tasks for part in task.family.removeprefix("independent ").split(" + ")}
    assert len(families) >= 17
    assert {task.x_kind for task in tasks} == {"continuous", "discrete", "mixed"}


def test_independent_tables_have_dependence_within_a_side_only():
    tasks = [t for t in random_tasks(3, 300) if t.family.startswith("independent") and t.x_dim == t.y_dim == 1][:10]
    for task in tasks:
        x, y = task.sample(100_000, 0)
        assert by_counting(x, y) == pytest.approx(0, abs=0.01)


def test_whole_tables_of_one_column_a_side_by_counting_cells():
    tasks = [task for task in random_tasks(4, 200) if task.x_dim == task.y_dim == 1 and 0.02 < task.mi < 1.5][:5]
    assert len({task.family for task in tasks}) >= 4
    for task in tasks:
        assert by_counting(*task.sample(DRAWS, 0)) == pytest.approx(task.mi, abs=0.008 + 0.05 * task.mi), task.summary


def test_normal_tables_with_noise_copies_and_rotations_by_their_covariance():
    def fits(task):
        steps = any(word in task.summary for word in ("of noise", "noisy copies", "rotated"))
        normal = task.family == "normal" or (task.family == "channel" and "linear" in task.summary)
        return normal and steps and "maps" not in task.summary and task.x_kind == task.y_kind == "continuous"

    tasks = [task for task in random_tasks(6, 800) if fits(task)][:3]
    assert len(tasks) == 3
    for task in tasks:
        x, y = (stats.rankdata(side, axis=0) / 60_001 for side in task.sample(60_000, 0))
        blocks = (stats.norm.ppf(block) for block in (x, y, np.c_[x, y]))
        a, b, both = (np.linalg.slogdet(np.atleast_2d(np.corrcoef(block.T)))[1] for block in blocks)
        bias = task.x_dim * task.y_dim / 120_000
        # Columns of noise need not be normal, and rotations mix none of them with others.
        assert (a + b - both) / 2 - bias == pytest.approx(task.mi, abs=0.02), task.summary


def test_steps_of_a_side_keep_the_information():
    """A table of normal columns is rotated, joined by noise and copies, and mapped; the rank of its columns stays."""
    for seed in range(40):
        side = random_side(np.random.default_rng(seed), ["continuous", "levels", "atoms"])
        drawn = np.random.default_rng(0).standard_normal((500, 3))
        drawn[:, 1:] = np.round(drawn[:, 1:])
        out = side.apply(drawn, np.random.default_rng(1))
        assert out.shape[1] == len(side.kinds)
        assert len(np.unique(out, axis=0)) >= len(np.unique(drawn[:, :1], axis=0))


def test_maps_are_strictly_monotone():
    z = np.linspace(-40, 40, 4001)
    for name, function in MAPS.items():
        assert (np.diff(function(z)) != 0).all(), name
        assert len(set(np.sign(np.diff(function(z))))) == 1, name
