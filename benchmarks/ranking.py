"""Columns chosen by several selectors: accuracy of two classifiers on the first 5 and 10, outside of the selection.

    python benchmarks/ranking.py              # eight tables
    python benchmarks/ranking.py --folds 3    # fewer folds

`pip install scikit-learn mrmr-selection` first; a peer that is not installed is left out. Each fold of cross-validation
selects on its training rows, trains there, and is measured on its test rows. The same folds for all.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SequentialFeatureSelector, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mistcli

SIZES = (5, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", default="", help="Only the tables whose name holds this.")
    parser.add_argument("--methods", default="", help="Only selectors whose name holds one of these, as a comma list.")
    options = parser.parse_args()
    wanted = [part for part in options.methods.split(",") if part]
    chosen = {name: f for name, f in selectors().items() if not wanted or any(part in name for part in wanted)}
    rows = []
    for name, (x, y) in tables().items():
        if options.only in name:
            rows += measured(name, x, y, chosen, options.folds)
    frame = pd.DataFrame(rows)
    print("\nmean over tables, sizes and classifiers:")
    print(frame.groupby("selector")[["accuracy", "seconds"]].mean().sort_values("accuracy").to_string())


def tables() -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Return eight tables with a class to predict."""
    found = {}
    for load in (load_wine, load_breast_cancer, load_digits):
        x, y = load(return_X_y=True, as_frame=True)
        found[load.__name__.removeprefix("load_")] = x, y.to_numpy()
    for seed, (informative, redundant, clusters) in enumerate([(10, 10, 1), (6, 20, 3)]):
        x, y = make_classification(
            600, 50, n_informative=informative, n_redundant=redundant, n_clusters_per_class=clusters, random_state=seed
        )
        found[f"classification-{informative}-{redundant}"] = frame(x), y
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 40))
    found["bends"] = frame(x), (np.abs(x[:, 0]) + np.cos(2 * x[:, 1]) + x[:, 2] + noise(rng) > 1.3).astype(int)
    twins = x[:, [0] * 10] + 0.3 * rng.standard_normal((600, 10))
    wide = np.column_stack([twins, x[:, 1:]])
    found["twins"] = frame(wide), (x[:, 0] + 0.6 * x[:, 1] - 0.6 * x[:, 2] + 0.5 * x[:, 3] + noise(rng) > 0).astype(int)
    skewed = np.exp(x)
    found["scales"] = frame(skewed), np.digitize(x[:, :6] @ [1, 0.8, 0.7, 0.6, 0.5, 0.4] + noise(rng), [-1, 1])
    return found


def frame(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"c{place}" for place in range(x.shape[1])])


def noise(rng: np.random.Generator) -> np.ndarray:
    return 0.5 * rng.standard_normal(600)


def selectors() -> dict[str, Callable[[pd.DataFrame, np.ndarray], list[str]]]:
    """Return what chooses ten columns, in order."""
    found = {f"mist {method}": ranked(method) for method in ("cmi", "jmi", "mrmr", "mim")}
    found["mutual_info_classif"] = alone
    found["SequentialFeatureSelector"] = sequential
    if find_spec("mrmr"):
        found["mrmr-selection"] = mrmr
    return found


def ranked(method: str) -> Callable[[pd.DataFrame, np.ndarray], list[str]]:
    def select(x: pd.DataFrame, y: np.ndarray) -> list[str]:
        table = x.assign(target=y.astype(str))
        return mistcli.rank_features(table, "target", method=method, k=max(SIZES)).selected

    return select


def alone(x: pd.DataFrame, y: np.ndarray) -> list[str]:
    return list(x.columns[np.argsort(-mutual_info_classif(x, y, random_state=0))[: max(SIZES)]])


def sequential(x: pd.DataFrame, y: np.ndarray) -> list[str]:
    """Return the first columns by forward selection with logistic regression, one more at a time."""
    found: list[str] = []
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    for size in SIZES:  # its result has no order, so that it runs once for each size
        selector = SequentialFeatureSelector(model, n_features_to_select=min(size, x.shape[1] - 1), cv=3)
        chosen = list(x.columns[selector.fit(x, y).get_support()])
        found += [name for name in chosen if name not in found]
    return found


def mrmr(x: pd.DataFrame, y: np.ndarray) -> list[str]:
    from mrmr import mrmr_classif

    return mrmr_classif(x, pd.Series(y, index=x.index), K=min(max(SIZES), x.shape[1]), show_progress=False)


def measured(name, x, y, chosen, folds):
    """Return the accuracy of each selector, size and classifier on one table, and print it."""
    models = {
        "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "boosting": lambda: HistGradientBoostingClassifier(max_iter=60, random_state=0),
    }
    scores: dict[tuple[str, int, str], list[float]] = {}
    seconds: dict[str, float] = dict.fromkeys(chosen, 0.0)
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(x, y):
        for selector, select in chosen.items():
            began = time.perf_counter()
            names = select(x.iloc[train].reset_index(drop=True), y[train])
            seconds[selector] += (time.perf_counter() - began) / folds
            for size in SIZES:
                for model, make in models.items():
                    used = names[:size]
                    fitted = make().fit(x.iloc[train][used], y[train])
                    accuracy = fitted.score(x.iloc[test][used], y[test])
                    scores.setdefault((selector, size, model), []).append(accuracy)
    columns = [(size, model) for size in SIZES for model in models]
    print(f"\n{name}: {x.shape[0]} rows, {x.shape[1]} columns; accuracy ± standard error over folds")
    print(" " * 28 + "".join(f"{size:>4} {model:<14}" for size, model in columns) + "seconds")
    for selector in chosen:
        cells = [scores[selector, size, model] for size, model in columns]
        told = "".join(f"{np.mean(c):.3f} ± {np.std(c, ddof=1) / np.sqrt(folds):.3f}      " for c in cells)
        print(f"  {selector:<26}{told}{seconds[selector]:.2f}")
    return [
        {"table": name, "selector": s, "size": k, "model": m, "accuracy": np.mean(v), "seconds": seconds[s]}
        for (s, k, m), v in scores.items()
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
