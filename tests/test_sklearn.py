"""Feature selection for scikit-learn: its own checks, pipelines, frames, groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mistcli
from mistcli.errors import ConfigError
from mistcli.sklearn import MutualInformationSelector, mutual_info


@parametrize_with_checks([MutualInformationSelector(k=2), MutualInformationSelector(k=3, method="mim")])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_scores_are_those_of_the_ranking():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    scores, p_values = mutual_info(x, y)
    ranked = mistcli.rank_features(x.assign(target=y.to_numpy()), "target", k=1).table.set_index("name")
    assert scores == pytest.approx(ranked.loc[x.columns, "mi"].to_numpy(), abs=0.02)  # the order of ties is another
    assert (p_values[scores > 0.1] < 1e-6).all()


def test_it_scores_for_select_k_best():
    x, y = load_breast_cancer(return_X_y=True)
    selector = SelectKBest(mutual_info, k=3).fit(x, y)
    assert selector.transform(x).shape == (len(x), 3)
    assert selector.pvalues_.min() < 1e-50


def test_it_goes_into_pipelines_and_searches():
    x, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(MutualInformationSelector(), StandardScaler(), LogisticRegression())
    search = GridSearchCV(clone(model), {"mutualinformationselector__k": [1, 5]}, cv=3).fit(x, y)
    assert search.best_params_ == {"mutualinformationselector__k": 5}
    assert search.best_score_ > 0.93


def mixed(rows=300):
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes"], rows)
    frame = pd.DataFrame(rng.standard_normal((rows, 3)), columns=["a", "b", "c"])
    frame["text"] = np.where(rng.uniform(size=rows) < 0.3, rng.choice(["no", "yes"], rows), y)
    frame.loc[::9, "b"] = np.nan
    frame["c"] += y == "yes"
    return frame, y


def test_frames_of_any_kinds_keep_their_names():
    frame, y = mixed()
    selector = MutualInformationSelector(k=2).set_output(transform="pandas").fit(frame, y)
    assert list(selector.transform(frame).columns) == ["c", "text"]
    assert list(selector.get_feature_names_out()) == ["c", "text"]
    assert selector.order_[0] == 3
    assert selector.total_ > 0.2


def test_auto_selects_what_adds():
    frame, y = mixed()
    alone = MutualInformationSelector("auto").fit(frame[["a", "b", "c"]].to_numpy(), y)
    assert alone.get_support(indices=True).tolist() == [2]


@pytest.mark.slow
def test_several_jobs_find_the_same():
    frame, y = mixed()
    numbers = frame[["a", "b", "c"]].to_numpy()
    alone = MutualInformationSelector("auto").fit(numbers, y)
    several = MutualInformationSelector("auto", n_jobs=2).fit(numbers, y)
    assert several.scores_ == pytest.approx(alone.scores_, abs=0.02)
    assert several.order_.tolist() == alone.order_.tolist()


def test_groups_are_selected_together():
    frame, y = mixed()
    scores, _ = mutual_info(frame, y, groups=[["a", "c"]])
    assert scores[0] == scores[2] > 0.05
    selector = MutualInformationSelector(k=2, groups=[[0, 2]]).fit(frame, y)
    assert selector.get_support(indices=True).tolist() == [0, 2, 3]
    with pytest.raises(ConfigError, match="expected groups of columns that are there; got 9"):
        mutual_info(frame, y, groups=[[9]])
    with pytest.raises(ConfigError, match="expected each column in one group; 'a' is in two"):
        mutual_info(frame, y, groups=[[0], ["a"]])


def test_kinds_of_targets():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2))
    counts = rng.poisson(np.exp(x[:, 0]))
    for target in ("auto", "discrete", "continuous"):
        scores, _ = mutual_info(x, counts, target=target)
        assert scores[0] > 5 * abs(scores[1])
    assert mutual_info(x, np.arange(200.0) ** 2)[0].shape == (2,)
    with pytest.raises(ConfigError, match="expected target 'auto'"):
        mutual_info(x, counts, target="ordinal")


def test_columns_that_tell_nothing_have_the_score_0_and_fill_up():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(50), rng.standard_normal(50), np.full(50, np.nan)])
    y = (x[:, 1] > 0).astype(int)
    scores, p_values = mutual_info(x, y)
    assert scores[[0, 2]].tolist() == [0, 0]
    assert p_values[[0, 2]].tolist() == [1, 1]
    assert MutualInformationSelector(k=2).fit(x, y).order_.tolist() == [1, 0]
    assert MutualInformationSelector(k=9).fit(x, y).get_support().all()


def test_a_wrong_k_is_refused():
    with pytest.raises(ConfigError, match="expected k to be a whole number or 'auto'; got 'all'"):
        MutualInformationSelector("all").fit(np.eye(9), np.arange(9) % 2)
