"""Feature selection for scikit-learn: a score function, and a selector. It needs `pip install 'mistcli[sklearn]'`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mistcli.config.schema import CleaningConfig
from mistcli.data.tables import table_from
from mistcli.errors import ConfigError
from mistcli.matrix.ranks import Floats
from mistcli.plugin.registry import Registry
from mistcli.ranking.marginals import Marginals
from mistcli.ranking.running import run_marginals, run_ranking
from mistcli.ranking.settings import Method, RankConfig
from mistcli.readers.base import Table

try:
    from joblib import Parallel, delayed
    from sklearn.base import BaseEstimator
    from sklearn.feature_selection import SelectorMixin
    from sklearn.utils import check_array, check_random_state, column_or_1d
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as missing:
    raise ImportError(
        "mistcli.sklearn needs scikit-learn 1.7 or newer, which is not installed: pip install 'mistcli[sklearn]'."
    ) from missing

__all__ = ["MutualInformationSelector", "mutual_info"]

TARGET = "y"
FEWEST_A_CLASS = 10
"""The mean number of rows of a class from which whole numbers are taken for classes."""

Kind = Literal["auto", "discrete", "continuous"]
Groups = Sequence[Sequence[int | str]]


def mutual_info(
    X: Any,
    y: ArrayLike,
    *,
    target: Kind = "auto",
    groups: Groups | None = None,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> tuple[Floats, Floats]:
    """Return the mutual information of each column and the target, in nats, and its p-value: for `SelectKBest`.

    Arguments:
        X: The columns, (N, D): an array, or a DataFrame whose columns may be of any kind; values may be missing.
        y: The target, (N,): classes or numbers.
        target: Whether the target is discrete or continuous; "auto" takes texts and truth values for classes, and
            whole numbers with ten rows each or more on average.
        groups: Columns that count as one, by position or name; each of a group gets the value of the group.
        random_state: The seed of every random choice.
        n_jobs: The number of processes; 1 by default.

    Returns:
        The mutual information and the p-values, (D,) each; 0 and 1 for columns that cannot tell anything.

    Raises:
        ConfigError: If a group holds a column that is not there, or one that another group has.
        DataError: If the target cannot be used.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.feature_selection import SelectKBest
        >>> X, y = load_iris(return_X_y=True)
        >>> SelectKBest(mutual_info, k=2).fit(X, y).get_support(indices=True).tolist()
        [2, 3]
    """
    if not hasattr(X, "columns"):
        X = check_array(X, ensure_all_finite="allow-nan")
    table, names = _columns(X)
    task = _Task.of(table, names, column_or_1d(y), target, groups, _seed(random_state))
    found = task.alone(n_jobs)
    return task.by_column(found.mi), task.by_column(found.p_value, 1.0)


class MutualInformationSelector(SelectorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Select the columns that tell most of a target together, each chosen by what it adds to those before.

    It is `mistcli.rank_features` as a transformer: for pipelines, `set_output`, `clone` and searches.

    Arguments:
        k: How many columns, or groups of columns, to select; "auto" until nothing adds more than chance.
        method: How the next column is chosen: "cmi", "jmi", "mrmr", or "mim" by what each tells alone.
        target: Whether the target is "discrete" or "continuous"; "auto" decides as in `mutual_info`.
        groups: Columns that count as one, by position or name, and are selected together.
        stop: The p-value above which "auto" selects nothing more.
        random_state: The seed of every random choice.
        n_jobs: The number of processes that value columns alone; 1 by default.

    Attributes:
        scores_: The mutual information of each column, or of its group, and the target, in nats, (D,).
        pvalues_: Its p-value, (D,).
        order_: The positions of the selected columns in the order in which they were chosen.
        total_: What the selected columns tell of the target together, out of fold, in nats.
        n_features_in_: The number of columns.
        feature_names_in_: Their names, if they have any.

    Example:
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = make_pipeline(MutualInformationSelector(k=5), StandardScaler(), LogisticRegression())
        >>> model.fit(X, y).score(X, y) > 0.93
        True
    """

    def __init__(
        self,
        k: int | Literal["auto"] = 10,
        *,
        method: Method = "cmi",
        target: Kind = "auto",
        groups: Groups | None = None,
        stop: float = 0.05,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.method = method
        self.target = target
        self.groups = groups
        self.stop = stop
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: ArrayLike) -> MutualInformationSelector:
        """Choose the columns.

        Arguments:
            X: The columns, (N, D): an array or a DataFrame; values may be missing.
            y: The target, (N,).

        Raises:
            ConfigError: If a parameter is wrong.
            DataError: If the target cannot be used.
        """
        if self.k != "auto" and (not isinstance(self.k, int | np.integer) or isinstance(self.k, bool)):
            raise ConfigError(f"expected k to be a whole number or 'auto'; got {self.k!r}.")
        if hasattr(X, "columns"):
            validate_data(self, X, y, skip_check_array=True)
        else:
            X, y = validate_data(self, X, y, ensure_all_finite="allow-nan", ensure_min_samples=2, dtype="numeric")
        table, names = _columns(X)
        seed = _seed(self.random_state)
        task = _Task.of(table, names, column_or_1d(y, warn=True), self.target, self.groups, seed)
        found = task.alone(self.n_jobs)
        self.scores_, self.pvalues_ = task.by_column(found.mi), task.by_column(found.p_value, 1.0)
        chosen, self.total_ = task.order(found, None if self.k == "auto" else int(self.k), self.method, self.stop)
        self.order_ = np.array(chosen, dtype=np.int64)
        return self

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know: a target is needed, and values may be missing."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        return tags

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[self.order_] = True
        return mask


class _Task:
    """Columns and a target under names of their own, and the groups of columns.

    Arguments:
        table: The columns `g0_0` and so on, one or more a group, and the target.
        members: The positions of the columns of each group.
        discrete: Whether the target is discrete.
        seed: The seed of every random choice.
    """

    def __init__(self, table: Table, members: Mapping[str, list[int]], seed: int, *, discrete: bool) -> None:
        self._table, self._members, self._seed, self._discrete = table, members, seed, discrete
        self._registry = Registry.from_environment()

    @classmethod
    def of(
        cls, table: Table, names: Sequence[str], y: NDArray[Any], kind: Kind, groups: Groups | None, seed: int
    ) -> _Task:
        if kind not in ("auto", "discrete", "continuous"):
            raise ConfigError(f"expected target 'auto', 'discrete' or 'continuous'; got {kind!r}.")
        members = {f"g{number}": places for number, places in enumerate(_members(names, groups))}
        renamed = {
            f"{group}_{number}": table[names[place]]
            for group, places in members.items()
            for number, place in enumerate(places)
        }
        discrete = kind == "discrete" or (kind == "auto" and _is_discrete(y))
        target = np.asarray(y)
        if discrete:
            target = np.array([str(value) for value in target.tolist()], dtype=object)
        return cls({**renamed, TARGET: target}, members, seed, discrete=discrete)

    def alone(self, jobs: int | None) -> Marginals:
        """Return what each group of columns tells alone."""
        groups = list(self._members)
        parts = np.array_split(groups, min(len(groups), 4 * _jobs(jobs))) if _jobs(jobs) > 1 else [groups]
        found = Parallel(n_jobs=jobs)(delayed(_marginals)(self, list(part)) for part in parts)
        return Marginals.joined(found).of(groups)

    def order(self, alone: Marginals, k: int | None, method: Method, stop: float) -> tuple[list[int], float]:
        """Return the positions of the columns that are chosen, in order, and what they tell together."""
        if k is not None and k <= 0:
            return [], 0.0
        config = self.config(list(self._members), k=k, method=method, stop=stop)
        found = run_ranking(self._table, list(self._table), config, self._registry, alone=alone)
        chosen = found.selected
        if k is not None:  # columns that cannot be used come last, so that as many are chosen as were asked for
            chosen = [*chosen, *(group for group in self._members if group not in chosen)][:k]
        return [place for group in chosen for place in self._members[group]], found.total

    def marginals(self, groups: Sequence[str]) -> Marginals:
        """Return what some groups of columns tell alone."""
        return run_marginals(self._table, list(self._table), self.config(groups), self._registry)

    def config(self, groups: Sequence[str], **options: Any) -> RankConfig:
        """Return the configuration of a ranking of some groups."""
        cleaning = CleaningConfig(discrete=TARGET) if self._discrete else CleaningConfig(continuous=TARGET)
        return RankConfig(TARGET, groups=",".join(groups), seed=self._seed, cleaning=cleaning, **options)

    def by_column(self, values: Floats, default: float = 0.0) -> Floats:
        """Return the value of each column, that of its group, (D,)."""
        found = np.full(sum(map(len, self._members.values())), default)
        for places, value in zip(self._members.values(), values, strict=True):
            found[places] = value
        return found


def _marginals(task: _Task, groups: Sequence[str]) -> Marginals:
    return task.marginals(groups)


def _columns(X: Any) -> tuple[Table, list[str]]:
    if hasattr(X, "columns"):
        return table_from(X)
    array = np.asarray(X)
    return table_from({f"x{place}": array[:, place] for place in range(array.shape[1])})


def _members(names: Sequence[str], groups: Groups | None) -> list[list[int]]:
    """Return the positions of the columns of each group; a column that is in none is a group of its own."""
    position = {name: place for place, name in enumerate(names)}
    found: list[list[int]] = []
    taken: set[int] = set()
    for group in groups or ():
        places = [position.get(one, -1) if isinstance(one, str) else int(one) for one in group]
        wrong = [one for one, place in zip(group, places, strict=True) if not 0 <= place < len(names)]
        if wrong or not places:
            raise ConfigError(f"expected groups of columns that are there; got {wrong[0] if wrong else group!r}.")
        if taken & set(places):
            raise ConfigError(f"expected each column in one group; {names[min(taken & set(places))]!r} is in two.")
        taken |= set(places)
        found.append(places)
    return sorted([*found, *([place] for place in range(len(names)) if place not in taken)], key=min)


def _is_discrete(y: NDArray[Any]) -> bool:
    """Return whether a target is one of classes: whether its values repeat, and are no numbers with fractions."""
    array = np.asarray(y)
    kind = type_of_target(array)
    if kind not in ("binary", "multiclass"):
        return False
    return array.dtype.kind not in "iuf" or FEWEST_A_CLASS * len(np.unique(array)) <= len(array)


def _seed(random_state: Any) -> int:
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _jobs(jobs: int | None) -> int:
    from joblib import effective_n_jobs

    return int(effective_n_jobs(jobs))
