"""Real tables: what is found agrees with scikit-learn, and with what classifiers can tell."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mistcli import estimate

TITANIC = Path(__file__).parent.parent / "examples" / "titanic.csv"
LOADERS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}


@cache
def table(name):
    """The table, with short names of columns, `target` last; classes are text."""
    loaded = LOADERS[name](as_frame=True)
    frame = loaded.frame.rename(columns=lambda name: name.replace(" ", "_").replace("(", "").replace(")", ""))
    if name != "diabetes":
        frame["target"] = "class " + frame["target"].astype(str)
    return frame


def features(name):
    return [column for column in table(name).columns if column != "target"]


def of_scikit_learn(name, columns):
    """The mutual information of each column and the target, by neighbours."""
    frame = table(name)
    ask = mutual_info_regression if name == "diabetes" else mutual_info_classif
    return ask(frame[columns], frame["target"], discrete_features=False, random_state=0)


def entropy(labels):
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return -float(shares @ np.log(shares))


@cache
def logistic_gain(name):
    """H(y) less the cross-validated loss of logistic regression, a lower bound in expectation, and its error."""
    frame = table(name)
    x, y = frame[features(name)].to_numpy(float), frame["target"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    _, label = np.unique(y, return_inverse=True)
    posterior = cross_val_predict(model, x, y, cv=5, method="predict_proba")
    own = np.log(np.maximum(posterior[np.arange(len(y)), label], 1e-12))
    return entropy(y) + float(own.mean()), float(own.std()) / math.sqrt(len(y))


# --- neighbours and counts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "name"),
    # Columns of wine are rounded, and `mixed_ksg` breaks no ties.
    [
        ("ross", "iris"),
        ("ross", "wine"),
        ("ross", "breast_cancer"),
        ("mixed_ksg", "iris"),
        ("mixed_ksg", "breast_cancer"),
    ],
)
def test_single_columns_beside_classes_as_scikit_learn_has_them(estimator, name):
    columns = features(name)[:8]
    for column, expected in zip(columns, of_scikit_learn(name, columns), strict=True):
        found = estimate(table(name), x=column, y="target", estimator=estimator, continuous=column, discrete="target")
        # Neighbours of columns that are rounded depend on how ties are broken.
        assert found.nats == pytest.approx(expected, abs=max(0.07, 3 * found.stderr)), column


def test_single_columns_beside_a_number_as_scikit_learn_has_them():
    columns = ["age", "bmi", "bp", "s5", "s6"]
    for column, expected in zip(columns, of_scikit_learn("diabetes", columns), strict=True):
        found = estimate(table("diabetes"), x=column, y="target", estimator="ksg", continuous=f"{column},target")
        assert max(found.nats, 0) == pytest.approx(expected, abs=max(0.05, 3 * found.stderr)), column


@pytest.mark.parametrize(("x", "y"), [("sex", "survived"), ("status", "survived"), ("status", "sex")])
def test_tables_of_counts_as_scikit_learn_has_them(x, y):
    people = pd.read_csv(TITANIC)
    expected = mutual_info_score(people[x], people[y])
    assert estimate(TITANIC, x=x, y=y, estimator="plugin", correction="none").nats == pytest.approx(expected)
    found = estimate(TITANIC, x=x, y=y)
    assert found.interval.low <= expected <= found.interval.high


# --- auto -------------------------------------------------------------------------------------------------

FEW = {
    "iris": ["sepal_length_cm", "petal_width_cm"],
    "wine": ["alcohol", "proline"],
    "breast_cancer": ["worst_smoothness", "mean_radius", "symmetry_error"],
}


def check_column(name, column, slack=0.05):
    expected = float(of_scikit_learn(name, [column])[0])
    found = estimate(table(name), x=column, y="target")
    assert found.interval.low - slack <= expected <= found.interval.high + slack, (column, expected, found.nats)
    if name != "diabetes":
        assert found.interval.high <= math.log(table(name)["target"].nunique()) + 1e-9


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, columns in FEW.items() for column in columns])
def test_auto_agrees_with_neighbours_on_a_column(name, column):
    check_column(name, column)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_auto_agrees_with_neighbours_on_every_column(name):
    # Of so many intervals of 95 %, and of neighbours with errors of their own, a few may fail.
    failed = []
    for column in features(name):
        try:
            check_column(name, column)
        except AssertionError as error:
            failed.append(str(error).splitlines()[0])
    assert len(failed) <= 0.1 * len(features(name)), failed


def check_against_logistic_regression(name):
    bound, error = logistic_gain(name)
    found = estimate(table(name), x=features(name), y="target")
    most = math.log(table(name)["target"].nunique())
    assert found.interval.high >= bound - 2 * error, (found.nats, found.interval, bound)
    assert found.interval.high <= most + 1e-9
    assert found.nats > 0.8 * bound


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_auto_finds_what_logistic_regression_can_tell(name):
    check_against_logistic_regression(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_auto_finds_what_logistic_regression_can_tell_of_many_columns(name):
    check_against_logistic_regression(name)


def test_twenty_rows_give_a_wide_interval_and_no_nonsense():
    data = datasets.load_linnerud()
    found = estimate((data.data, data.target))
    assert 0 <= found.interval.low <= found.nats <= found.interval.high
    assert found.nats < 1.5
    assert found.interval.high - found.interval.low > 0.3
    assert "too_few_rows" in " ".join(found.verdict) or found.interval.high > 0.5


def test_the_gate_keeps_estimate_interval_and_p_value_together():
    """A correlation of -0.42 in 569 rows is not nothing."""
    found = estimate(table("breast_cancer"), x="worst_smoothness", y="target", permutations=199)
    assert found.p_value <= 0.01
    assert found.interval.low > 0
    assert found.nats == pytest.approx(0.1, abs=0.05)


@pytest.mark.slow
def test_all_columns_of_diabetes_tell_more_than_the_best():
    frame = table("diabetes")
    whole = estimate(frame, x=features("diabetes"), y="target")
    best = estimate(frame, x="s5", y="target")
    assert whole.interval.high > best.interval.low
    # Linear regression explains half of the variance: -log(1 - 0.48) / 2.
    assert whole.nats == pytest.approx(0.33, abs=0.15)
