"""Maps of columns are one-to-one, can be applied again, and survive what data bring."""

import subprocess
import sys

import numpy as np
import pytest

from mistcli.data.transforms import TRANSFORMS, Encoder

COLUMNS = {
    "normal": np.random.default_rng(0).standard_normal(500),
    "cauchy": np.random.default_rng(0).standard_cauchy(500),
    "huge": np.random.default_rng(0).standard_normal(500) * 1e300,
    "tiny": np.random.default_rng(0).standard_normal(500) * 1e-300,
    "far away": 1e15 + np.arange(500.0),
    "mostly zero": np.where(np.arange(500) % 10 == 0, np.arange(500.0), 0.0),
    "opposite ends": np.array([-1.7e308, 1.7e308, 0.0, 1.0]),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", COLUMNS)
def test_continuous_columns_keep_their_order(name, transform):
    column = COLUMNS[name]
    features = Encoder.fit(column[:, None], (0,), transform).encode(column[:, None])[:, 0]
    assert np.isfinite(features).all()
    order = np.argsort(column, kind="stable")
    assert (np.diff(features[order]) >= 0).all()
    if transform in ("standard", "asinh") and name != "opposite ends":
        assert len(np.unique(features)) == len(np.unique(column))
        assert features.mean() == pytest.approx(0, abs=1e-6)
        assert features.std() == pytest.approx(1, abs=1e-6)


def test_normal_scores_of_any_increasing_map_are_the_same():
    column = COLUMNS["normal"][:, None]
    scores = Encoder.fit(column, (0,), "normal").encode(column)
    again = Encoder.fit(np.exp(3 * column), (0,), "normal").encode(np.exp(3 * column))
    np.testing.assert_allclose(scores, again, atol=1e-12)
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1, abs=0.02)


def test_a_smooth_map_comes_near_to_normal_scores_and_has_the_slope_it_says():
    column = np.random.default_rng(0).uniform(size=(5000, 1))
    encoder = Encoder.fit(column, (0,), "smooth")
    features = np.sort(encoder.encode(column)[:, 0])
    np.testing.assert_allclose(
        features[25:-25], np.sort(Encoder.fit(column, (0,), "normal").encode(column)[:, 0])[25:-25], atol=0.1
    )
    step = 1e-6
    slopes = (encoder.encode(column + step) - encoder.encode(column - step)) / (2 * step)
    assert encoder.log_volume(column) == pytest.approx(np.log(slopes).mean(), abs=1e-5)
    assert encoder.log_volume(column) == pytest.approx(0.5 * np.log(2 * np.pi * np.e), abs=0.02)


def test_ties_share_a_normal_score():
    column = np.array([[1.0], [2.0], [2.0], [3.0]])
    scores = Encoder.fit(column, (0,), "normal").encode(column)[:, 0]
    assert scores[1] == scores[2] == 0
    assert scores[0] == -scores[3]


def test_a_large_column_is_kept_by_few_knots():
    column = np.random.default_rng(0).standard_normal((50_000, 1))
    encoder = Encoder.fit(column, (0,), "normal")
    assert len(encoder.states[0]["knots"]) <= 4096
    ranks = (np.argsort(np.argsort(column[:, 0])) + 0.5) / 50_000
    np.testing.assert_allclose(encoder.encode(column)[:, 0], np.vectorize(_quantile)(ranks), atol=0.01)


def _quantile(p):
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


def test_discrete_columns_become_one_indicator_a_level():
    values = np.array([[0.0, 5.0], [2.0, 6.0], [1.0, 7.0]])
    encoder = Encoder.fit(values, (3, 0), "standard")
    features = encoder.encode(values)
    assert encoder.width == features.shape[1] == 4
    assert np.array_equal(features[:, :3].argmax(1), [0, 2, 1])
    np.testing.assert_allclose(features[:, :3].sum(1), 0, atol=1e-12)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_kept_and_restored(transform):
    rng = np.random.default_rng(0)
    values = np.stack([rng.integers(0, 3, 100).astype(float), rng.standard_cauchy(100), rng.standard_normal(100)], 1)
    encoder = Encoder.fit(values, (3, 0, 0), transform)
    again = Encoder.from_tensors(encoder.levels, transform, "x", encoder.to_tensors("x"))
    assert np.array_equal(again.encode(values), encoder.encode(values))


def test_preparing_columns_imports_no_scipy():
    """It is done before every estimate, and only the `smooth` transform needs it."""
    code = "import sys, mistcli.data.transforms; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "scipy" not in run.stdout.split()
