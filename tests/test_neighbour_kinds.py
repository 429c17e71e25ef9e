"""Neighbours beside classes: kinds as declared or found, maps of columns, and too many columns."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mistcli
from mistcli.errors import DataError
from mistcli.estimators import KSG, MixedKSG, PlugIn, Ross


def frame(x, y):
    names = [f"a{i}" for i in range(x.shape[1])]
    return {**dict(zip(names, x.T, strict=True)), "y": y}, names


def classes(n, levels, columns, seed=0):
    """Normals of unit variance whose means depend on the class, and an independent class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(levels, size=n)
    return label, rng.standard_normal((n, columns)) + 6 * label[:, None], rng


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "digits"])
@pytest.mark.parametrize("estimator", ["mixed_ksg", "ross"])
def test_classes_beside_many_columns_are_above_the_bound_of_a_classifier(name, estimator):
    data = getattr(datasets, f"load_{name}")()
    table, names = frame(data.data, data.target)
    found = mistcli.estimate(table, x=names, y="y", estimator=estimator)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    proba = cross_val_predict(model, data.data, data.target, cv=3, method="predict_proba")
    share = np.bincount(data.target) / len(data.target)
    entropy = float(-np.sum(share * np.log(share)))
    bound = entropy - log_loss(data.target, proba)
    assert bound - 0.1 < found.nats <= entropy
    assert "too_many_columns_for_neighbours" in found.verdict


def test_levels_do_not_depend_on_the_scale_of_other_columns():
    label, points, rng = classes(600, 3, 2)
    for scale in (1e-6, 1.0, 1e6):
        table, names = frame(points * scale, label)
        found = mistcli.estimate(table, x=names, y="y", estimator="mixed_ksg", transform="none")
        assert found.nats == pytest.approx(math.log(3), abs=0.03)
    table, names = frame(rng.standard_normal((600, 2)), label)
    assert abs(mistcli.estimate(table, x=names, y="y", estimator="mixed_ksg").nats) < 0.06


def test_columns_of_both_kinds_on_both_sides():
    """x = (a, u) and y = (b, v): a and b are one bit, u and v normals of correlation 0.8 beside it."""
    rng = np.random.default_rng(1)
    a = rng.integers(2, size=2000)
    u = rng.standard_normal(2000)
    v = 0.8 * u + 0.6 * rng.standard_normal(2000)
    table = {"a": a, "u": u, "b": 1 - a, "v": v}
    found = mistcli.estimate(table, x=["a", "u"], y=["b", "v"], estimator="mixed_ksg")
    assert found.nats == pytest.approx(math.log(2) - math.log(0.36) / 2, abs=0.08)


def test_discrete_columns_give_the_table():
    rng = np.random.default_rng(2)
    x = rng.integers(3, size=1000)
    y = np.where(rng.random(1000) < 0.5, x, rng.integers(3, size=1000))
    found = [mistcli.estimate({"x": x, "y": y}, x="x", y="y", estimator=e).nats for e in ("mixed_ksg", "plugin")]
    assert found[0] == pytest.approx(found[1], abs=1e-3)


def test_a_row_that_is_alone_in_its_class_tells_nothing():
    label = torch.tensor([[1.0, 0.0, 0.0]] * 20 + [[0.0, 1.0, 0.0]] * 20 + [[0.0, 0.0, 1.0]], dtype=torch.float64)
    points = torch.randn(41, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    estimator = MixedKSG().declare_columns((0,), (3,))
    ratio = estimator.fit_log_ratio(points, label)
    assert ratio[-1] == 0
    assert torch.isfinite(ratio).all()
    unseen = torch.tensor([[-1.0, -1.0, -1.0]], dtype=torch.float64)
    assert estimator.log_ratio(points[:1], unseen).tolist() == [0.0]
    torch.testing.assert_close(Ross().declare_columns((0,), (3,)).fit_log_ratio(points, label)[-1], ratio[-1])


def test_few_rows_a_class_take_the_neighbours_there_are():
    label, points, _ = classes(60, 20, 1)
    table, names = frame(points, label)
    found = mistcli.estimate(table, x=names, y="y", estimator="mixed_ksg", discrete="y")
    entropy = PlugIn(correction="none").fit_log_ratio(*[torch.from_numpy(label)[:, None]] * 2).mean().item()
    assert 0.75 * entropy < found.nats <= entropy  # a row that is alone in its class has the term 0


def test_ross_refuses_rounded_columns_that_repeat():
    rng = np.random.default_rng(3)
    table = {"x": np.round(rng.standard_normal(3000), 2), "y": np.round(rng.standard_normal(3000), 2)}
    with pytest.raises(DataError, match="got two continuous ones: use ksg instead"):
        mistcli.estimate(table, x="x", y="y", estimator="ross")
    codes = {"x": rng.integers(3, size=100), "y": rng.integers(3, size=100)}
    with pytest.raises(DataError, match="got two discrete ones: use plugin"):
        mistcli.estimate(codes, x="x", y="y", estimator="ross")
    mixed = {**codes, "z": rng.standard_normal(100)}
    with pytest.raises(DataError, match="discrete and continuous columns on one side: use mixed_ksg or auto"):
        mistcli.estimate(mixed, x=["x", "z"], y="y", estimator="ross")


@pytest.mark.parametrize("estimator", ["ksg", "mixed_ksg"])
def test_increasing_maps_change_nothing(estimator):
    rng = np.random.default_rng(4)
    x = rng.standard_normal(1000)
    y = 0.9 * x + math.sqrt(0.19) * rng.standard_normal(1000)
    values = [
        mistcli.estimate({"x": x, "y": mapped}, x="x", y="y", estimator=estimator).nats
        for mapped in (y, np.exp(5 * y), y**3)
    ]
    assert values == pytest.approx([-math.log(0.19) / 2] * 3, abs=0.08)
    assert values[0] == pytest.approx(values[1], abs=1e-6) == pytest.approx(values[2], abs=1e-6)


@pytest.mark.parametrize(("noise", "said"), [(0, False), (2, False), (20, True)])
@pytest.mark.parametrize("estimator", [KSG, MixedKSG])
def test_too_many_columns_are_said(noise, said, estimator):
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.standard_normal((800, 1)))
    y = torch.cat([0.9 * x, torch.from_numpy(rng.standard_normal((800, noise)))], 1)
    fitted = estimator()
    fitted.fit_log_ratio(x, y + 0.4 * torch.from_numpy(rng.standard_normal((800, 1 + noise))))
    assert [word for word, _ in fitted.diagnostics()] == ["too_many_columns_for_neighbours"] * said


def test_a_kept_estimator_knows_the_kinds(tmp_path):
    label, points, _ = classes(200, 3, 1)
    data = tmp_path / "data.csv"
    data.write_text("a,y\n" + "".join(f"{a!r},c{c}\n" for a, c in zip(points[:, 0].tolist(), label, strict=True)))
    call = [sys.executable, "-m", "mistcli"]
    run = [*call, "estimate", data, "--x", "a", "--y", "y", "-e", "mixed_ksg", "--out", tmp_path / "run", "--json"]
    found = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    evaluate = [*call, "evaluate", tmp_path / "run", data, "--json"]
    again = json.loads(subprocess.run(evaluate, check=True, capture_output=True, text=True).stdout)
    assert again["mi"] == pytest.approx(found["mi"], abs=0.05)
