"""Folds: each row valued once, none of a copy on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mistcli.data.splitting import copies, cross_fitting
from mistcli.errors import DataError


@settings(deadline=None)
@given(n=st.integers(20, 300), folds=st.integers(2, 10), share=st.floats(0.01, 0.5), seed=st.integers(0, 9))
def test_every_row_is_valued_once_and_has_one_role_a_fold(n, folds, share, seed):
    cut = cross_fitting(n, folds, share, np.random.default_rng(seed))
    assert sorted(np.concatenate([fold.test for fold in cut])) == list(range(n))
    sizes = [len(fold.test) for fold in cut]
    assert len(cut) == folds
    assert max(sizes) - min(sizes) <= 1
    assert len({len(fold.valid) for fold in cut}) == 1
    for fold in cut:
        assert min(len(fold.train), len(fold.valid), len(fold.test)) > 0
        assert sorted(np.concatenate([fold.train, fold.valid, fold.test])) == list(range(n))


def test_same_seed_same_folds():
    first, again, other = (cross_fitting(50, 5, 0.2, np.random.default_rng(s)) for s in (0, 0, 1))
    assert all(np.array_equal(a.train, b.train) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.test, b.test) for a, b in zip(first, other, strict=True))


def test_what_a_large_part_of_a_table_equals_is_no_copy():
    rows = np.random.default_rng(0).standard_normal((400, 2))
    rows[100:200] = 0
    rows[200:205] = rows[0]
    group = copies(rows)
    assert len(set(group[100:200])) == 100
    assert set(group[200:205]) == {group[0]}
    assert sorted(set(group)) == list(range(395))


def test_copies_are_never_parted():
    rows = np.random.default_rng(0).standard_normal((40, 2))
    groups = copies(np.concatenate([rows, rows, rows]))
    for fold in cross_fitting(120, 4, 0.2, np.random.default_rng(0), groups):
        parts = [set(groups[part]) for part in (fold.train, fold.valid, fold.test)]
        assert not (parts[0] & parts[1])
        assert not (parts[0] & parts[2])
        assert not (parts[1] & parts[2])


def test_a_group_larger_than_a_fold_leaves_no_fold_empty():
    groups = np.concatenate([np.zeros(80, dtype=np.int64), np.arange(1, 21)])
    cut = cross_fitting(100, 5, 0.2, np.random.default_rng(0), groups)
    assert sorted(np.concatenate([fold.test for fold in cut])) == list(range(100))
    assert all(len(fold.train) and len(fold.valid) and len(fold.test) for fold in cut)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]], [0, 1, 0]),
        ([[0.0, 1.0], [-0.0, 1.0]], [0, 0]),
        ([[1.0, 2.0], [3.0, 4.0]], None),
        ([[1.0, 2.0]] * 30, None),
    ],
)
def test_copies(rows, expected):
    found = copies(np.array(rows))
    assert (found is None) == (expected is None)
    if expected is not None:
        same = np.array(expected)
        assert np.array_equal(found[:, None] == found, same[:, None] == same)


def test_too_few_rows_for_the_folds():
    with pytest.raises(DataError, match="at least two rows a fold; got 9 rows for 5 folds"):
        cross_fitting(9, 5, 0.2, np.random.default_rng(0))
    with pytest.raises(DataError, match="got 3 different rows for 2 folds"):
        cross_fitting(9, 2, 0.2, np.random.default_rng(0), np.array([0, 0, 0, 0, 1, 1, 1, 2, 2]))
